package kumiko.runtime.checkpoint;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/**
 * Writes a zip file of stored entries whose data start at multiples of {@value #ALIGNMENT} bytes, with 64-bit fields where an entry or
 * the file needs them. The checksum of an entry is filled in once its data has passed by.
 */
final class ZipOutput {
  /** As torch.save aligns storages, so that they can be mapped. */
  private static final int ALIGNMENT = 64;

  /** The tag under which PyTorch's own writer pads; readers skip it. */
  private static final int PADDING_TAG = 0x4246;

  private static final int LOCAL_BYTES = 30;
  private static final int CRC_OFFSET = 14;
  private static final int TAG_BYTES = 4;
  private static final int UTF8 = 1 << 11;
  private static final int DOS_DATE = 1 << 5 | 1;
  private static final long LIMIT_32 = 0xffff_ffffL;
  private static final int LIMIT_16 = 0xffff;

  /** Writes the data of an entry and returns their CRC-32. */
  @FunctionalInterface
  interface Body {
    long writeTo(PieceChannel channel) throws IOException;
  }

  private final PieceChannel channel;
  private final ByteArrayOutputStream directory = new ByteArrayOutputStream();
  private long entries;

  ZipOutput(PieceChannel channel) {
    this.channel = channel;
  }

  void entry(String name, long length, Body body) throws IOException {
    byte[] nameBytes = name.getBytes(StandardCharsets.UTF_8);
    long start = channel.position();
    boolean wide = length >= LIMIT_32;
    int wideBytes = wide ? TAG_BYTES + 2 * Long.BYTES : 0;
    long unpadded = start + LOCAL_BYTES + nameBytes.length + wideBytes + TAG_BYTES;
    int padding = (int) (-unpadded & (ALIGNMENT - 1));
    ByteBuffer header = buffer(LOCAL_BYTES + nameBytes.length + wideBytes + TAG_BYTES + padding);
    header.putInt(0x04034b50);
    common(header, wide, 0, length).putShort((short) nameBytes.length).putShort((short) (wideBytes + TAG_BYTES + padding));
    header.put(nameBytes);
    if (wide) {
      header.putShort((short) 1).putShort((short) (2 * Long.BYTES)).putLong(length).putLong(length);
    }
    header.putShort((short) PADDING_TAG).putShort((short) padding);
    channel.write(header.rewind());
    long crc = body.writeTo(channel);
    ByteBuffer sum = buffer(Integer.BYTES).putInt((int) crc).flip();
    channel.replace(start + CRC_OFFSET, sum);
    list(nameBytes, start, length, crc);
  }

  void end() throws IOException {
    long start = channel.position();
    channel.write(ByteBuffer.wrap(directory.toByteArray()));
    long end = channel.position();
    if (entries >= LIMIT_16 || start >= LIMIT_32 || end - start >= LIMIT_32) {
      ByteBuffer wide = buffer(76);
      wide.putInt(0x06064b50).putLong(44).putShort((short) 45).putShort((short) 45).putInt(0).putInt(0);
      wide.putLong(entries).putLong(entries).putLong(end - start).putLong(start);
      wide.putInt(0x07064b50).putInt(0).putLong(end).putInt(1);
      channel.write(wide.flip());
    }
    short count = (short) Math.min(entries, LIMIT_16);
    ByteBuffer last = buffer(22).putInt(0x06054b50).putInt(0).putShort(count).putShort(count);
    last.putInt((int) Math.min(end - start, LIMIT_32)).putInt((int) Math.min(start, LIMIT_32)).putShort((short) 0);
    channel.write(last.flip());
  }

  private void list(byte[] name, long start, long length, long crc) {
    boolean wide = length >= LIMIT_32;
    boolean far = start >= LIMIT_32;
    int wideBytes = (wide ? 2 * Long.BYTES : 0) + (far ? Long.BYTES : 0);
    int extra = wideBytes == 0 ? 0 : TAG_BYTES + wideBytes;
    byte[] bytes = new byte[46 + name.length + extra];
    ByteBuffer entry = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(0x02014b50).putShort((short) 45);
    common(entry, wide || far, crc, length).putShort((short) name.length).putShort((short) extra);
    entry.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0);
    entry.putInt((int) Math.min(start, LIMIT_32)).put(name);
    if (extra > 0) {
      entry.putShort((short) 1).putShort((short) wideBytes);
      if (wide) {
        entry.putLong(length).putLong(length);
      }
      if (far) {
        entry.putLong(start);
      }
    }
    directory.writeBytes(bytes);
    entries++;
  }

  /** The fields that an entry has both where it starts and in the directory. */
  private static ByteBuffer common(ByteBuffer to, boolean wide, long crc, long length) {
    int size = (int) Math.min(length, LIMIT_32);
    to.putShort((short) (wide ? 45 : 20)).putShort((short) UTF8).putShort((short) 0).putShort((short) 0).putShort((short) DOS_DATE);
    return to.putInt((int) crc).putInt(size).putInt(size);
  }

  private static ByteBuffer buffer(int bytes) {
    return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

}
