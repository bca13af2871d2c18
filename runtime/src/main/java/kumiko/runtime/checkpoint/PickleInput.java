package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.charset.Charset;

/** The bytes of one pickle in a mapped file, read from front to back, never past their end. */
final class PickleInput {
  private static final int MAX_LINE = 512;

  private final MappedFile file;
  private final MemorySegment pickle;
  private final ByteWindow window;
  private long position;

  PickleInput(MappedFile file, MemorySegment pickle) {
    this.file = file;
    this.pickle = pickle;
    this.window = new ByteWindow(pickle);
  }

  /** How many bytes were read. */
  long position() {
    return position;
  }

  int unsignedByte() {
    return window.at(take(1));
  }

  int unsignedShort() {
    return (int) littleEndian(Short.BYTES);
  }

  long unsignedInt() {
    return littleEndian(Integer.BYTES);
  }

  int signedInt() {
    return (int) littleEndian(Integer.BYTES);
  }

  long signedLong() {
    return littleEndian(Long.BYTES);
  }

  double bigEndianDouble() {
    return Double.longBitsToDouble(Long.reverseBytes(signedLong()));
  }

  String text(long length, Charset charset) {
    return StrictText.decode(bytes(length), charset).orElseThrow(() -> problem("text that is not " + charset, "text"));
  }

  /** A whole number of {@code length} bytes, little endian, as a Long if it fits and as a BigInteger otherwise. */
  Object wholeNumber(int length) {
    byte[] bytes = bytes(length);
    for (int i = 0; i < length / 2; i++) {
      byte low = bytes[i];
      bytes[i] = bytes[length - 1 - i];
      bytes[length - 1 - i] = low;
    }
    BigInteger value = length == 0 ? BigInteger.ZERO : new BigInteger(bytes);
    return value.bitLength() < Long.SIZE ? (Object) value.longValueExact() : value;
  }

  /** Text up to the next line feed, which names a Python module or class. */
  String line() {
    StringBuilder text = new StringBuilder();
    for (int c = unsignedByte(); c != '\n'; c = unsignedByte()) {
      text.append((char) c);
      if (text.length() > MAX_LINE) {
        throw problem("a name of more than " + MAX_LINE + " characters", "the name of a Python class");
      }
    }
    return text.toString();
  }

  void skip(long length) {
    take(length);
  }

  CheckpointException problem(String found, String expected) {
    return file.damaged("its pickle is not as it should be at byte " + position + ": found " + found, expected);
  }

  CheckpointException unsupported(String storage) {
    return CheckpointException.of(
        file.path(), "it has a torch." + storage + ", whose elements Kumiko cannot compute with", "floating-point, whole, or truth values",
        "Convert these tensors, or leave them out of the file");
  }

  CheckpointException refused(String name) {
    return CheckpointException.of(
        file.path(),
        "its pickle asks for " + name + ", which no table of tensors needs and which could run code; nothing was run",
        "tensors, dictionaries, lists, numbers and text only",
        "If you trust the file, load it in Python and save its state_dict alone, or save it as safetensors");
  }

  private byte[] bytes(long length) {
    return pickle.asSlice(take(length), length).toArray(ValueLayout.JAVA_BYTE);
  }

  private long littleEndian(int length) {
    long at = take(length);
    long value = 0;
    for (int i = length - 1; i >= 0; i--) {
      value = value << Byte.SIZE | window.at(at + i);
    }
    return value;
  }

  /** Steps over the next bytes and returns where they begin. */
  private long take(long length) {
    if (length < 0 || length > pickle.byteSize() - position) {
      throw problem("the end of the pickle, " + length + " bytes short of a value", "a complete pickle");
    }
    long at = position;
    position += length;
    return at;
  }
}
