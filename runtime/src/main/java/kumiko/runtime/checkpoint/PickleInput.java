package kumiko.runtime.checkpoint;

import java.lang.foreign.ValueLayout;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.Charset;

/** The bytes of one pickle in a mapped file, read from front to back, never past {@code stop}. */
final class PickleInput {
  private static final int MAX_LINE = 512;

  private final MappedFile file;
  private final long stop;
  private long position;

  PickleInput(MappedFile file, long position, long stop) {
    this.file = file;
    this.position = position;
    this.stop = stop;
  }

  long position() {
    return position;
  }

  int unsignedByte() {
    return file.unsignedByte(take(1));
  }

  int unsignedShort() {
    return file.unsignedShort(take(2));
  }

  long unsignedInt() {
    return file.unsignedInt(take(4));
  }

  int signedInt() {
    return (int) unsignedInt();
  }

  long signedLong() {
    return file.signedLong(take(8));
  }

  double bigEndianDouble() {
    return Double.longBitsToDouble(Long.reverseBytes(signedLong()));
  }

  String text(long length, Charset charset) {
    byte[] bytes = bytes(length);
    try {
      return charset.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
    } catch (CharacterCodingException invalid) {
      throw problem("text that is not " + charset, "text");
    }
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
    return file.slice(take(length), length).toArray(ValueLayout.JAVA_BYTE);
  }

  private long take(long length) {
    if (length < 0 || length > stop - position) {
      throw problem("the end of the pickle, " + length + " bytes short of a value", "a complete pickle");
    }
    long at = position;
    position += length;
    return at;
  }
}
