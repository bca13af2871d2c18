package kumiko.runtime.checkpoint;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/**
 * A file that appears under its name complete or not at all: it is written beside its place under a temporary name, then moved. A file
 * of that name is replaced, and stays as it was for whoever has it mapped.
 */
final class AtomicFile implements AutoCloseable {
  private final Path target;
  private final Path temporary;
  private final FileChannel channel;

  private AtomicFile(Path target, Path temporary, FileChannel channel) {
    this.target = target;
    this.temporary = temporary;
    this.channel = channel;
  }

  static AtomicFile create(Path target) {
    Path temporary = target.resolveSibling("." + target.getFileName() + "." + UUID.randomUUID() + ".partial");
    try {
      return new AtomicFile(target, temporary, FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE));
    } catch (IOException problem) {
      throw unwritable(target, problem);
    }
  }

  /** What {@link #write} runs. */
  @FunctionalInterface
  interface Body {
    void writeTo(PieceChannel channel) throws IOException;
  }

  void write(Body body) {
    try (Arena arena = Arena.ofConfined()) {
      PieceChannel pieces = new PieceChannel(channel, arena);
      body.writeTo(pieces);
      pieces.flush();
    } catch (IOException problem) {
      throw unwritable(target, problem);
    }
  }

  /** Gives the file its name. What was written is on the disk before the name is. */
  void commit() {
    try {
      channel.force(true);
      channel.close();
      Files.move(temporary, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException problem) {
      throw unwritable(target, problem);
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
      Files.deleteIfExists(temporary);
    } catch (IOException problem) {
      throw unwritable(target, problem);
    }
  }

  static CheckpointException unwritable(Path target, IOException problem) {
    return new CheckpointException(
        target + ": it cannot be written (" + problem.getMessage() + "). Expected: a directory that exists and may be written to, on a disk"
            + " with room. Check the directory; nothing was left behind.",
        problem);
  }
}
