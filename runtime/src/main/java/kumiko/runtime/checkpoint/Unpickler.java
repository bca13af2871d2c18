package kumiko.runtime.checkpoint;

import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads a Python pickle (protocols 2 to 5) that describes tensors, and nothing else: dictionaries, lists, tuples, numbers, text, and
 * the few names of {@link PickleGlobal}. No code is ever run. Source: Lib/pickletools.py of CPython 3.13.
 *
 * <p>Values become: {@code null}, {@link Boolean}, {@link Long}, {@link BigInteger}, {@link Double}, {@link String}, {@link List},
 * {@link PickleTuple}, {@link Map} in order of insertion, {@link TorchTensor}, {@link TorchStorage}, {@link PickleGlobal}.
 */
final class Unpickler {
  /** Descriptions of a hundred thousand tensors take about 20 MB. */
  static final long MAX_BYTES = 64L << 20;

  private final PickleInput in;
  private final PickleStack stack;
  private final PickleCalls calls;
  private final Map<Long, Object> memo = new HashMap<>();

  private Unpickler(PickleInput in) {
    this.in = in;
    this.stack = new PickleStack(in);
    this.calls = new PickleCalls(in);
  }

  /** Reads one pickle and leaves the input behind it. */
  static Pickle read(PickleInput in) {
    Unpickler unpickler = new Unpickler(in);
    Object root = unpickler.run();
    return new Pickle(root, unpickler.calls.storages());
  }

  /** What a value is, for errors; never its content, which may be huge or hold itself. */
  static String describe(Object value) {
    return switch (value) {
      case null -> "None";
      case Boolean flag -> "the flag " + flag;
      case Number number -> "the number " + number;
      case String text -> "the text \"" + text.substring(0, Math.min(40, text.length())) + "\"";
      case List<?> list -> "a list of " + list.size();
      case PickleTuple tuple -> "a tuple of " + tuple.items().size();
      case Map<?, ?> dict -> "a dictionary of " + dict.size();
      case TorchTensor tensor -> "a tensor";
      case TorchStorage storage -> "a storage";
      default -> "a Python name";
    };
  }

  private Object run() {
    if (in.unsignedByte() != 0x80) {
      throw in.problem("no protocol number", "a pickle of protocol 2 to 5");
    }
    int protocol = in.unsignedByte();
    if (protocol < 2 || protocol > 5) {
      throw in.problem("protocol " + protocol, "a pickle of protocol 2 to 5");
    }
    for (int code = in.unsignedByte(); code != '.'; code = in.unsignedByte()) {
      if (!(text(code) || number(code) || collection(code) || memory(code) || call(code))) {
        throw in.problem(String.format("instruction 0x%02x", code), "the instructions that describe tensors");
      }
    }
    return stack.pop();
  }

  private boolean text(int code) {
    switch (code) {
      case 'X' -> stack.make(in.text(in.unsignedInt(), StandardCharsets.UTF_8));
      case 0x8c -> stack.make(in.text(in.unsignedByte(), StandardCharsets.UTF_8));
      case 0x8d -> stack.make(in.text(in.signedLong(), StandardCharsets.UTF_8));
      // Byte strings of Python 2, whose keys are plain text.
      case 'U' -> stack.make(in.text(in.unsignedByte(), StandardCharsets.ISO_8859_1));
      case 'T' -> stack.make(in.text(in.signedInt(), StandardCharsets.ISO_8859_1));
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean number(int code) {
    switch (code) {
      case 'N' -> stack.push(null);
      case 0x88 -> stack.push(true);
      case 0x89 -> stack.push(false);
      case 'K' -> stack.make((long) in.unsignedByte());
      case 'M' -> stack.make((long) in.unsignedShort());
      case 'J' -> stack.make((long) in.signedInt());
      case 0x8a -> stack.make(in.wholeNumber(in.unsignedByte()));
      case 'G' -> stack.make(in.bigEndianDouble());
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean collection(int code) {
    switch (code) {
      case ')' -> stack.make(new PickleTuple(List.of()));
      case 0x85, 0x86, 0x87 -> stack.make(new PickleTuple(stack.pop(code - 0x84)));
      case 't' -> stack.make(new PickleTuple(stack.popToMark()));
      case ']' -> stack.make(new ArrayList<>());
      case 'l' -> stack.make(stack.popToMark());
      case '}' -> stack.make(new LinkedHashMap<>());
      case 'd' -> {
        List<Object> pairs = stack.popToMark();
        stack.make(new LinkedHashMap<>());
        put(pairs);
      }
      case 'a' -> append(stack.pop(1));
      case 'e' -> append(stack.popToMark());
      case 's' -> put(stack.pop(2));
      case 'u' -> put(stack.popToMark());
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean memory(int code) {
    switch (code) {
      case '(' -> stack.mark();
      case '0' -> stack.pop();
      case '1' -> stack.popToMark();
      case '2' -> stack.push(stack.top());
      case 'q' -> memo.put((long) in.unsignedByte(), stack.top());
      case 'r' -> memo.put(in.unsignedInt(), stack.top());
      case 0x94 -> memo.put((long) memo.size(), stack.top());
      case 'h' -> stack.push(remembered(in.unsignedByte()));
      case 'j' -> stack.push(remembered(in.unsignedInt()));
      // A frame only says how far to read ahead.
      case 0x95 -> in.skip(8);
      default -> {
        return false;
      }
    }
    return true;
  }

  private boolean call(int code) {
    switch (code) {
      case 'c' -> stack.make(calls.global(in.line(), in.line()));
      case 0x93 -> {
        String name = stack.pop(String.class, "the name of a Python class");
        stack.make(calls.global(stack.pop(String.class, "the name of a Python module"), name));
      }
      case 'R', 0x81 -> {
        PickleTuple arguments = stack.pop(PickleTuple.class, "the arguments of a call");
        stack.make(calls.call(stack.pop(), arguments.items()));
      }
      case 'Q' -> stack.make(calls.storage(stack.pop(PickleTuple.class, "the description of a storage").items()));
      // Attributes of a state_dict (its version table) are not weights.
      case 'b' -> {
        stack.pop(Map.class, "attributes of a dictionary");
        stack.top(Map.class, "a dictionary to which the attributes belong");
      }
      default -> {
        return false;
      }
    }
    return true;
  }

  private Object remembered(long key) {
    Object value = memo.get(key);
    if (value == null) {
      throw in.problem("a reference to value " + key + ", which was not made yet", "a value made before");
    }
    return value;
  }

  @SuppressWarnings("unchecked")
  private void append(List<Object> items) {
    stack.top(List.class, "a list").addAll(items);
  }

  @SuppressWarnings("unchecked")
  private void put(List<Object> pairs) {
    calls.put(stack.top(Map.class, "a dictionary"), pairs);
  }
}
