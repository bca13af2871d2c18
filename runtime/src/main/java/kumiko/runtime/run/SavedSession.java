package kumiko.runtime.run;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What a file of {@link Session#save} says about itself, before there is a session to restore it into.
 *
 * @param lengths tokens in each of its slots
 * @param notes what its author wrote beside it
 */
public record SavedSession(List<Integer> lengths, Map<String, String> notes) {
  public SavedSession {
    lengths = List.copyOf(lengths);
    notes = Map.copyOf(notes);
  }

  /**
   * Reads the header of a file.
   *
   * @throws kumiko.runtime.checkpoint.CheckpointException if it is absent, damaged or no saved session
   */
  public static SavedSession read(Path file) {
    return SessionFile.describe(file);
  }
}
