package kumiko.runtime.checkpoint;

import java.nio.file.Path;

/**
 * A checkpoint file that cannot be read or written. The message is one paragraph for the person who asked for the file: which file,
 * what was found, what was expected, and what to do about it.
 */
public final class CheckpointException extends RuntimeException {
  private static final long serialVersionUID = 1L;
  private static final int MAX_PART = 1000;

  public CheckpointException(String message) {
    super(message);
  }

  public CheckpointException(String message, Throwable cause) {
    super(message, cause);
  }

  /** The usual form: {@code FILE: found. Expected: expected. remedy.} Each part comes without its full stop. */
  static CheckpointException of(Path file, String found, String expected, String remedy) {
    return new CheckpointException(file + ": " + plain(found) + ". Expected: " + plain(expected) + ". " + remedy + ".");
  }

  /** Names come from the file: they may be endless, or hold what a terminal would obey. */
  private static String plain(String text) {
    String shown = text.length() <= MAX_PART ? text : text.substring(0, MAX_PART) + "...";
    return shown.replaceAll("\\p{Cntrl}", "?");
  }

  /** A file whose bytes contradict each other, which only happens when it was cut off, altered, or written by a faulty program. */
  static CheckpointException damaged(Path file, String found, String expected) {
    return of(file, found, expected, "The file is damaged or incomplete: fetch or export it again");
  }
}
