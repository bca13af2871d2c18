package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import kumiko.runtime.machine.HugePages;

/**
 * A new file, written from front to back in whole pieces of 2 MiB. Linux keeps what is written together together: a file that was written in
 * smaller or crooked pieces lies so in its cache, is mapped there in large pages only in part, and is read more slowly until it was read from
 * disk once.
 */
final class PieceChannel implements WritableByteChannel {
  private static final int BYTES = Math.toIntExact(HugePages.BYTES);

  private final FileChannel file;

  /** What lies behind the end of the file so far. */
  private final ByteBuffer piece;

  /** @param arena owns the room for a piece */
  PieceChannel(FileChannel file, Arena arena) {
    this.file = file;
    piece = arena.allocate(BYTES).asByteBuffer();
  }

  @Override
  public int write(ByteBuffer bytes) throws IOException {
    int count = bytes.remaining();
    while (bytes.hasRemaining()) {
      int some = Math.min(bytes.remaining(), piece.remaining());
      piece.put(bytes.slice().limit(some));
      bytes.position(bytes.position() + some);
      if (!piece.hasRemaining()) {
        flush();
      }
    }
    return count;
  }

  /** Bytes that were written, or skipped. */
  long position() throws IOException {
    return file.position() + piece.position();
  }

  /** Puts other bytes in the place of some that were written. */
  void replace(long at, ByteBuffer bytes) throws IOException {
    long place = at;
    while (bytes.hasRemaining()) {
      long behind = place - file.position();
      if (behind >= 0) {
        piece.put((int) behind, bytes.get());
        place++;
      } else {
        int some = (int) Math.min(bytes.remaining(), -behind);
        int done = file.write(bytes.slice().limit(some), place);
        bytes.position(bytes.position() + done);
        place += done;
      }
    }
  }

  /** Moves on by so many zeros; the last one is written, so that the file is long enough. */
  void skip(long zeros) throws IOException {
    if (zeros > 0) {
      flush();
      file.position(file.position() + zeros - 1);
      piece.put((byte) 0);
      flush();
    }
  }

  /** Writes what is left; after the last byte this must be called. */
  void flush() throws IOException {
    piece.flip();
    while (piece.hasRemaining()) {
      file.write(piece);
    }
    piece.clear().limit(BYTES - (int) (file.position() % BYTES));
  }

  @Override
  public boolean isOpen() {
    return file.isOpen();
  }

  @Override
  public void close() {
    // Whoever opened the file closes it.
  }
}
