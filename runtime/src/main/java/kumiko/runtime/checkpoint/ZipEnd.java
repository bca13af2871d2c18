package kumiko.runtime.checkpoint;

/** The end of a zip file, which says where its directory lies. */
record ZipEnd(long directoryPosition, long directoryBytes, long entryCount) {
  private static final long END_SIGNATURE = 0x06054b50L;
  private static final long LOCATOR_SIGNATURE = 0x07064b50L;
  private static final long END64_SIGNATURE = 0x06064b50L;
  private static final int END_BYTES = 22;
  private static final int LOCATOR_BYTES = 20;
  private static final int END64_BYTES = 56;
  private static final int MAX_COMMENT = 0xffff;
  private static final int MIN_ENTRY_BYTES = 46;

  static ZipEnd find(MappedFile file) {
    long at = signature(file);
    ZipEnd end = wide(file, at);
    if (end == null) {
      end = new ZipEnd(file.unsignedInt(at + 16), file.unsignedInt(at + 12), file.unsignedShort(at + 10));
    }
    boolean inside = end.directoryPosition >= 0
        && end.directoryBytes >= 0
        && end.directoryPosition <= at
        && end.directoryBytes <= at - end.directoryPosition
        && end.entryCount >= 0
        && end.entryCount <= end.directoryBytes / MIN_ENTRY_BYTES;
    if (!inside) {
      throw file.damaged(
          "the zip directory of " + end.entryCount + " entries should be " + end.directoryBytes + " bytes long at byte "
              + end.directoryPosition + ", but the file has " + file.size(),
          "a directory inside the file");
    }
    return end;
  }

  private static long signature(MappedFile file) {
    long lowest = Math.max(0, file.size() - END_BYTES - MAX_COMMENT);
    for (long at = file.size() - END_BYTES; at >= lowest; at--) {
      if (file.unsignedInt(at) == END_SIGNATURE && at + END_BYTES + file.unsignedShort(at + 20) == file.size()) {
        return at;
      }
    }
    throw file.damaged("it starts as a zip file, but its end, where the directory of a zip file lies, is missing", "a complete zip file");
  }

  private static ZipEnd wide(MappedFile file, long end) {
    long locator = end - LOCATOR_BYTES;
    if (locator < 0 || file.unsignedInt(locator) != LOCATOR_SIGNATURE) {
      return null;
    }
    long at = file.signedLong(locator + 8);
    if (at < 0 || at > locator - END64_BYTES || file.unsignedInt(at) != END64_SIGNATURE) {
      throw file.damaged("its zip64 end should lie at byte " + at + ", where there is none", "a complete zip file");
    }
    return new ZipEnd(file.signedLong(at + 48), file.signedLong(at + 40), file.signedLong(at + 32));
  }
}
