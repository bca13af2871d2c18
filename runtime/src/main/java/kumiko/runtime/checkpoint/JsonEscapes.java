package kumiko.runtime.checkpoint;

import java.util.Optional;
import java.util.regex.Pattern;

/** The spelling of JSON strings and numbers, both ways. */
final class JsonEscapes {
  static final Pattern NUMBER = Pattern.compile("-?(0|[1-9][0-9]{0,400})(\\.[0-9]{1,400})?([eE][+-]?[0-9]{1,10})?");

  private JsonEscapes() {}

  /** Replaces the escapes of a string's content; empty if one is unknown or names half a character. */
  static Optional<String> resolve(String raw) {
    StringBuilder text = new StringBuilder(raw.length());
    for (int i = 0; i < raw.length(); i++) {
      char c = raw.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      char kind = raw.charAt(++i);
      if (kind == 'u') {
        int code = hexadecimal(raw, i + 1);
        if (code < 0) {
          return Optional.empty();
        }
        text.append((char) code);
        i += 4;
      } else {
        int at = "\"\\/bfnrt".indexOf(kind);
        if (at < 0) {
          return Optional.empty();
        }
        text.append("\"\\/\b\f\n\r\t".charAt(at));
      }
    }
    return hasLoneSurrogate(text) ? Optional.empty() : Optional.of(text.toString());
  }

  /** The text as a JSON string with its quotes. */
  static String quote(String text) {
    StringBuilder out = new StringBuilder(text.length() + 2).append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"', '\\' -> out.append('\\').append(c);
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        default -> out.append(c < 0x20 ? String.format("\\u%04x", (int) c) : String.valueOf(c));
      }
    }
    return out.append('"').toString();
  }

  private static int hexadecimal(String raw, int from) {
    if (from + 4 > raw.length()) {
      return -1;
    }
    int code = 0;
    for (int i = from; i < from + 4; i++) {
      int digit = Character.digit(raw.charAt(i), 16);
      if (digit < 0 || raw.charAt(i) > 0x7f) {
        return -1;
      }
      code = code * 16 + digit;
    }
    return code;
  }

  private static boolean hasLoneSurrogate(CharSequence text) {
    return text.codePoints().anyMatch(c -> c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE);
  }
}
