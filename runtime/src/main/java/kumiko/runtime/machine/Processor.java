package kumiko.runtime.machine;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/**
 * What decides whether machine code can run here, and which is quick.
 *
 * @param system name and architecture, as the JVM calls them
 * @param vendor who made it, as the processor calls them; empty where that is not known
 * @param family of its maker's processors; 0 where that is not known
 * @param flags the instruction sets that the processor has and the system lets programs use, by Linux' names
 */
record Processor(String system, String vendor, int family, Set<String> flags) {
  static final String LINUX = "Linux amd64";
  private static final Path INFORMATION = Path.of("/proc/cpuinfo");

  /** The one that this process runs on. */
  static Processor current() {
    String system = System.getProperty("os.name") + " " + System.getProperty("os.arch");
    return system.equals(LINUX) ? of(system, INFORMATION) : unknown(system);
  }

  private static Processor unknown(String system) {
    return new Processor(system, "", 0, Set.of());
  }

  /** As a file describes the first of them; where it cannot be read nothing is known, and nothing that needs a flag is used. */
  static Processor of(String system, Path information) {
    String vendor = "";
    int family = 0;
    try (BufferedReader lines = Files.newBufferedReader(information)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        if (line.startsWith("vendor_id")) {
          vendor = value(line);
        } else if (line.startsWith("cpu family")) {
          family = Integer.parseInt(value(line));
        } else if (line.startsWith("flags")) {
          return new Processor(system, vendor, family, Set.of(value(line).split(" +")));
        }
      }
    } catch (IOException | NumberFormatException unreadable) {
      return unknown(system);
    }
    return new Processor(system, vendor, family, Set.of());
  }

  private static String value(String line) {
    return line.substring(line.indexOf(':') + 1).trim();
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
