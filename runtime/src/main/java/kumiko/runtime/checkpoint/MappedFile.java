package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.concurrent.atomic.AtomicBoolean;
import kumiko.runtime.machine.HugePages;

/**
 * A file mapped read-only into memory, for as long as it is open and for every thread. Nothing is read until it is touched, so the
 * size of the file costs address space only.
 */
final class MappedFile implements AutoCloseable {
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path path;
  private final Arena arena;
  private final MemorySegment bytes;
  private final AtomicBoolean closed = new AtomicBoolean();

  private MappedFile(Path path, Arena arena, MemorySegment bytes) {
    this.path = path;
    this.arena = arena;
    this.bytes = bytes;
  }

  static MappedFile open(Path path) {
    if (Files.isDirectory(path)) {
      throw new CheckpointException(path + " is a directory. Expected: one checkpoint file. Open it as a checkpoint directory instead.");
    }
    Arena arena = Arena.ofShared();
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      MemorySegment bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
      HugePages.ask(bytes);
      return new MappedFile(path, arena, bytes);
    } catch (IOException problem) {
      arena.close();
      throw unreadable(path, problem);
    }
  }

  private static CheckpointException unreadable(Path path, IOException problem) {
    String reason = switch (problem) {
      case NoSuchFileException missing -> "there is no such file. Expected: a checkpoint file. Check the path for a typing mistake.";
      case AccessDeniedException denied -> "reading it is not permitted. Expected: a readable file. Change its permissions.";
      default -> "it cannot be read (" + problem.getMessage() + "). Expected: a readable file. Check the disk.";
    };
    return new CheckpointException(path + ": " + reason, problem);
  }

  Path path() {
    return path;
  }

  long size() {
    return bytes.byteSize();
  }

  MemorySegment slice(long position, long length) {
    return bytes.asSlice(position, length);
  }

  /** Memory that lives exactly as long as the mapping, for what cannot be a view of it. */
  MemorySegment allocate(long length) {
    return arena.allocate(length, 64);
  }

  int unsignedByte(long position) {
    return Byte.toUnsignedInt(bytes.get(ValueLayout.JAVA_BYTE, position));
  }

  int unsignedShort(long position) {
    return Short.toUnsignedInt(bytes.get(SHORT, position));
  }

  long unsignedInt(long position) {
    return Integer.toUnsignedLong(bytes.get(INT, position));
  }

  long signedLong(long position) {
    return bytes.get(LONG, position);
  }

  CheckpointException damaged(String found, String expected) {
    return CheckpointException.damaged(path, found, expected);
  }

  boolean isClosed() {
    return closed.get();
  }

  /** Ends the mapping at once; tensors that were taken from it must not be used any more, and say so when they are. */
  @Override
  public void close() {
    if (closed.compareAndSet(false, true)) {
      arena.close();
    }
  }
}
