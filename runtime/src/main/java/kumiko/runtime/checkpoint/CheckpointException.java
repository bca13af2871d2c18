package kumiko.runtime.checkpoint;

import java.nio.file.Path;

/**
 * A checkpoint file that cannot be read or written. The message is one paragraph for the person who asked for the file: which file,
 * what was found, what was expected, and what to do about it.
 */
public final class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The usual form: {@code FILE: found. Expected: expected. remedy.} Each part comes without its full stop. */
  static CheckpointException of(Path file, String found, String expected, String remedy) {
    return new CheckpointException(file + ": " + found + ". Expected: " + expected + ". " + remedy + ".");
  }

  /** A file whose bytes contradict each other, which only happens when it was cut off, altered, or written by a faulty program. */
  static CheckpointException damaged(Path file, String found, String expected) {
    return of(file, found, expected, "The file is damaged or incomplete: fetch or export it again");
  }
}
