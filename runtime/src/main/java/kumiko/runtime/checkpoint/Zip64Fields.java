package kumiko.runtime.checkpoint;

/** The 64-bit values of one zip entry, in the order in which the directory's 32-bit fields ask for them (APPNOTE 4.5.3). */
final class Zip64Fields {
  private static final int ZIP64_TAG = 1;

  private final MappedFile file;
  private final String name;
  private long at;
  private long stop;

  /** Looks for the field among the {@code length} extra bytes of an entry at {@code extra}. */
  Zip64Fields(MappedFile file, String name, long extra, int length) {
    this.file = file;
    this.name = name;
    long end = extra + length;
    for (long field = extra; end - field >= 4;) {
      long size = file.unsignedShort(field + 2);
      if (file.unsignedShort(field) == ZIP64_TAG && size <= end - field - 4) {
        at = field + 4;
        stop = at + size;
      }
      field += 4 + size;
    }
  }

  long next() {
    if (stop - at < 8) {
      throw file.damaged("the zip entry \"" + name + "\" lacks its 64-bit sizes", "a zip64 field that holds them");
    }
    long value = file.signedLong(at);
    at += 8;
    return value;
  }
}
