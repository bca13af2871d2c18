package kumiko.runtime.checkpoint;

import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;

/** Entry names of a zip file. */
final class ZipText {
  private ZipText() {}

  static String decode(MappedFile file, long position, int length) {
    if (length > file.size() - position) {
      throw file.damaged("a zip entry's name runs past the end of the file", "names inside the file");
    }
    return new String(file.slice(position, length).toArray(ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }
}
