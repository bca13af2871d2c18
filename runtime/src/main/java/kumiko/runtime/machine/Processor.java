package kumiko.runtime.machine;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * What decides whether machine code can run here.
 *
 * @param system name and architecture, as the JVM calls them
 * @param flags the instruction sets that the processor has and the system lets programs use, by Linux' names
 */
record Processor(String system, Set<String> flags) {
  static final String LINUX = "Linux amd64";
  private static final Path INFORMATION = Path.of("/proc/cpuinfo");

  /** The one that this process runs on. */
  static Processor current() {
    String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    return new Processor(system, system.equals(LINUX) ? flags(INFORMATION) : Set.of());
  }

  /** None where the file cannot be read: then nothing that needs one is used. */
  static Set<String> flags(Path file) {
    try (BufferedReader lines = Files.newBufferedReader(file)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("flags")) {
          return Set.of(line.substring(line.indexOf(':') + 1).trim().split(" +"));
        }
      }
      return Set.of();
    } catch (IOException unreadable) {
      return Set.of();
    }
  }

  /** The first of {@code wanted} that is missing, or null. */
  String firstMissing(String... wanted) {
    for (String flag : wanted) {
      if (!flags.contains(flag)) {
        return flag;
      }
    }
    return null;
  }
}
