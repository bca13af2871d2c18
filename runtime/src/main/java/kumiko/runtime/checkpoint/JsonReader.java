package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.Set;
import java.util.function.Consumer;

/**
 * Reads JSON (RFC 8259) strictly and in one pass, without building a tree: the caller says what it expects next. A key that comes twice
 * in one object, nesting beyond {@value #MAX_DEPTH}, and text that is not UTF-8 are errors, each with its byte position.
 */
final class JsonReader {
  private static final int MAX_DEPTH = 64;
  private static final int END = -1;

  /** So many fit 64 bits in any case. */
  private static final int FEW_DIGITS = 18;

  private final Path file;
  private final String what;
  private final MemorySegment text;
  private final ByteWindow window;
  private long position;
  private int depth;

  /**
   * @param what how errors call the text, for example {@code header}
   */
  JsonReader(Path file, String what, MemorySegment text) {
    this.file = file;
    this.what = what;
    this.text = text;
    this.window = new ByteWindow(text);
  }

  /** Reads an object; {@code field} is called with each key and must read its value. */
  void object(Consumer<String> field) {
    enter('{');
    Set<String> seen = new HashSet<>();
    if (peekToken() == '}') {
      position++;
    } else {
      do {
        long start = position;
        String key = string();
        if (!seen.add(key)) {
          throw problemAt(start, "the key \"" + key + "\" a second time", "every key once in an object");
        }
        expect(':');
        field.accept(key);
      } while (another('}'));
    }
    depth--;
  }

  /** Reads an array; {@code element} is called before each element and must read it. */
  void array(Runnable element) {
    enter('[');
    if (peekToken() == ']') {
      position++;
    } else {
      do {
        element.run();
      } while (another(']'));
    }
    depth--;
  }

  /** Reads a whole number that fits 64 bits. */
  long integer() {
    peekToken();
    long start = position;
    long few = fewDigits();
    if (few >= 0) {
      return few;
    }
    String digits = number();
    if (digits.chars().anyMatch(c -> c == '.' || c == 'e' || c == 'E')) {
      throw problemAt(start, "the number " + digits, "a whole number");
    }
    try {
      return Long.parseLong(digits);
    } catch (NumberFormatException tooLarge) {
      throw problemAt(start, "the number " + digits, "a number within 64 bits");
    }
  }

  /** A number of few digits, as nearly all are, without a pattern and a text for each; otherwise -1, and the position stays. */
  private long fewDigits() {
    long start = position;
    long value = 0;
    int c = peek();
    boolean zero = c == '0';
    while (c >= '0' && c <= '9' && position - start < FEW_DIGITS) {
      value = 10 * value + c - '0';
      position++;
      c = peek();
    }
    boolean isWhole = c == ',' || c == ']' || c == '}';
    if (isWhole && (zero ? position - start == 1 : position > start)) {
      return value;
    }
    position = start;
    return -1;
  }

  String string() {
    expect('"');
    long start = position;
    boolean escaped = false;
    for (int c = nextInString(); c != '"'; c = nextInString()) {
      if (c < 0x20) {
        throw problemAt(position - 1, describe(c), "the end of the string");
      }
      if (c == '\\') {
        escaped = true;
        next();
      }
    }
    String raw = decode(start, position - 1);
    return escaped ? JsonEscapes.resolve(raw).orElseThrow(() -> problemAt(start, "an unknown escape", "an escape of JSON")) : raw;
  }

  /** Reads any value and forgets it. */
  void skip() {
    switch (peekToken()) {
      case '{' -> object(key -> skip());
      case '[' -> array(this::skip);
      case '"' -> string();
      case 't' -> word("true");
      case 'f' -> word("false");
      case 'n' -> word("null");
      default -> number();
    }
  }

  /** Whether the next value is a string. */
  boolean atString() {
    return peekToken() == '"';
  }

  /** Refuses anything but white space after the value. */
  void end() {
    int c = peekToken();
    if (c != END) {
      throw problemAt(position, describe(c), "nothing after the value");
    }
  }

  CheckpointException problemAt(long at, String found, String expected) {
    return CheckpointException.damaged(file, "the " + what + " is not as it should be at byte " + at + ": found " + found, expected);
  }

  long position() {
    return position;
  }

  private void enter(char bracket) {
    expect(bracket);
    if (++depth > MAX_DEPTH) {
      throw problemAt(position - 1, "brackets nested more than " + MAX_DEPTH + " deep", "a flat table");
    }
  }

  private boolean another(char closing) {
    int c = peekToken();
    if (c != ',' && c != closing) {
      throw problemAt(position, describe(c), "',' or '" + closing + "'");
    }
    position++;
    return c == ',';
  }

  private String number() {
    long start = position;
    while ("+-.eE0123456789".indexOf(peek()) >= 0) {
      position++;
    }
    String digits = decode(start, position);
    if (!JsonEscapes.NUMBER.matcher(digits).matches()) {
      throw problemAt(start, digits.isEmpty() ? describe(peek()) : "\"" + digits + "\"", "a JSON value");
    }
    return digits;
  }

  private void word(String word) {
    long start = position;
    for (int i = 0; i < word.length(); i++) {
      if (next() != word.charAt(i)) {
        throw problemAt(start, "an unknown word", word);
      }
    }
  }

  private void expect(char wanted) {
    int c = peekToken();
    if (c != wanted) {
      throw problemAt(position, describe(c), "'" + wanted + "'");
    }
    position++;
  }

  private int peekToken() {
    int c = peek();
    while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
      position++;
      c = peek();
    }
    return c;
  }

  private int peek() {
    return position < text.byteSize() ? window.at(position) : END;
  }

  private int next() {
    int c = peek();
    if (c == END) {
      throw problemAt(position, "the end of the text", "the rest of the value");
    }
    position++;
    return c;
  }

  /** The next byte, or one behind it that is not simply passed over. */
  private int nextInString() {
    if (position < text.byteSize()) {
      position = window.endOfPlain(position);
    }
    return next();
  }

  private String decode(long from, long to) {
    return StrictText.decode(window.copy(from, to), StandardCharsets.UTF_8)
        .orElseThrow(() -> problemAt(from, "bytes that are not UTF-8", "UTF-8 text"));
  }

  private static String describe(int c) {
    if (c == END) {
      return "the end of the text";
    }
    return c >= 0x20 && c < 0x7f ? "'" + (char) c + "'" : String.format("byte 0x%02x", c);
  }
}
