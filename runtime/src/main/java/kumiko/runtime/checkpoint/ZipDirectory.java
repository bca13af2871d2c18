package kumiko.runtime.checkpoint;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The central directory of a zip file whose entries are all stored, so that each is a stretch of the mapped file. Compressed or
 * encrypted entries, and entries that claim more than the file holds, are refused: nothing is ever unpacked. Source: PKWARE APPNOTE
 * 6.3.10, sections 4.3.7, 4.3.12, 4.3.14 to 4.3.16, 4.5.3.
 */
final class ZipDirectory {
  /** Where the bytes of one entry lie in the file. */
  record Entry(String name, long position, long length, long crc) {}

  private static final long LOCAL_SIGNATURE = 0x04034b50L;
  private static final long CENTRAL_SIGNATURE = 0x02014b50L;
  private static final int LOCAL_BYTES = 30;
  private static final int CENTRAL_BYTES = 46;
  private static final int ENCRYPTED = 1;
  private static final long ESCAPE_32 = 0xffff_ffffL;

  private final MappedFile file;
  private final ZipEnd end;
  private final Map<String, Entry> entries = new LinkedHashMap<>();

  private ZipDirectory(MappedFile file, ZipEnd end) {
    this.file = file;
    this.end = end;
  }

  static ZipDirectory read(MappedFile file) {
    ZipDirectory directory = new ZipDirectory(file, ZipEnd.find(file));
    directory.readEntries();
    directory.proveApart();
    return directory;
  }

  Set<String> names() {
    return entries.keySet();
  }

  /** The entry of this name, or null. */
  Entry entry(String name) {
    return entries.get(name);
  }

  private void readEntries() {
    long at = end.directoryPosition();
    long stop = at + end.directoryBytes();
    for (long i = 0; i < end.entryCount(); i++) {
      if (stop - at < CENTRAL_BYTES || file.unsignedInt(at) != CENTRAL_SIGNATURE) {
        throw file.damaged(
            "the zip directory breaks off after " + i + " of its " + end.entryCount() + " entries", "a complete zip directory");
      }
      long next = at + CENTRAL_BYTES + file.unsignedShort(at + 28) + file.unsignedShort(at + 30) + file.unsignedShort(at + 32);
      if (next > stop) {
        throw file.damaged("entry " + i + " of the zip directory runs past the directory's end", "a complete zip directory");
      }
      Entry entry = readEntry(at);
      if (entries.put(entry.name(), entry) != null) {
        throw file.damaged("the zip entry \"" + entry.name() + "\" comes twice", "every entry once");
      }
      at = next;
    }
    if (at != stop) {
      throw file.damaged("the zip directory is longer than its " + end.entryCount() + " entries", "a directory of exactly that length");
    }
  }

  private Entry readEntry(long at) {
    int nameBytes = file.unsignedShort(at + 28);
    String name = ZipText.decode(file, at + CENTRAL_BYTES, nameBytes);
    refusePacked(name, file.unsignedShort(at + 8), file.unsignedShort(at + 10));
    long packed = file.unsignedInt(at + 20);
    long length = file.unsignedInt(at + 24);
    long local = file.unsignedInt(at + 42);
    if (packed == ESCAPE_32 || length == ESCAPE_32 || local == ESCAPE_32) {
      Zip64Fields wide = new Zip64Fields(file, name, at + CENTRAL_BYTES + nameBytes, file.unsignedShort(at + 30));
      length = length == ESCAPE_32 ? wide.next() : length;
      packed = packed == ESCAPE_32 ? wide.next() : packed;
      local = local == ESCAPE_32 ? wide.next() : local;
    }
    if (packed != length) {
      throw file.damaged(
          "the stored zip entry \"" + name + "\" takes " + packed + " bytes, but claims to hold " + length, "equal sizes");
    }
    return new Entry(name, dataPosition(name, local, length), length, file.unsignedInt(at + 16));
  }

  private void refusePacked(String name, int flags, int method) {
    if ((flags & ENCRYPTED) != 0 || method != 0) {
      throw CheckpointException.of(
          file.path(),
          "the zip entry \"" + name + "\" is " + ((flags & ENCRYPTED) != 0 ? "encrypted" : "compressed (method " + method + ")"),
          "stored entries, as torch.save writes them for a state_dict",
          "Save the model's state_dict with torch.save; TorchScript programs and repacked archives are not read");
    }
  }

  private long dataPosition(String name, long local, long length) {
    long limit = end.directoryPosition();
    if (local < 0 || local > limit - LOCAL_BYTES || file.unsignedInt(local) != LOCAL_SIGNATURE) {
      throw file.damaged("the zip entry \"" + name + "\" should start at byte " + local + ", where none starts", "an entry there");
    }
    int nameBytes = file.unsignedShort(local + 26);
    long position = local + LOCAL_BYTES + nameBytes + file.unsignedShort(local + 28);
    if (length < 0 || position > limit || length > limit - position) {
      throw file.damaged(
          "the zip entry \"" + name + "\" claims " + length + " bytes from byte " + position + ", but the entries end at byte " + limit,
          "entries inside the file");
    }
    if (!name.equals(ZipText.decode(file, local + LOCAL_BYTES, nameBytes))) {
      throw file.damaged("the zip entry \"" + name + "\" has another name where it starts", "the same name in both places");
    }
    return position;
  }

  /** Overlapping entries are how small files claim to be huge ones. */
  private void proveApart() {
    List<Entry> placed = new ArrayList<>(entries.values());
    placed.sort(Comparator.comparingLong(Entry::position));
    for (int i = 1; i < placed.size(); i++) {
      Entry before = placed.get(i - 1);
      if (before.position() + before.length() > placed.get(i).position()) {
        throw file.damaged(
            "the zip entries \"" + before.name() + "\" and \"" + placed.get(i).name() + "\" overlap", "entries one after the other");
      }
    }
  }
}
