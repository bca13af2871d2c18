package kumiko.runtime.graph;

import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Canonical names by pattern: {@code *} stands for any characters, dots included, everything else for itself. {@code
 * blocks.*.attention.probabilities} is that node of every block, {@code *} is every node.
 */
public record NamePattern(String text) {
  public boolean matches(String name) {
    String regex = Pattern.compile("*", Pattern.LITERAL).splitAsStream(text + " ").map(Pattern::quote).collect(Collectors.joining(".*"));
    return (name + " ").matches(regex);
  }

  @Override
  public String toString() {
    return text;
  }
}
