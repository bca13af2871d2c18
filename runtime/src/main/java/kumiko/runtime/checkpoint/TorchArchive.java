package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;

/** The zip format of {@code torch.save}: {@code NAME/data.pkl} describes the tensors, {@code NAME/data/KEY} is a storage. */
final class TorchArchive {
  private static final String PICKLE = "/data.pkl";

  private final MappedFile file;
  private final ZipDirectory zip;
  private final String top;

  private TorchArchive(MappedFile file, ZipDirectory zip, String top) {
    this.file = file;
    this.zip = zip;
    this.top = top;
  }

  static TorchArchive of(MappedFile file) {
    ZipDirectory zip = ZipDirectory.read(file);
    String top = zip.names().stream()
        .filter(name -> name.endsWith(PICKLE) && name.indexOf('/') == name.length() - PICKLE.length())
        .findFirst()
        .map(name -> name.substring(0, name.length() - PICKLE.length() + 1))
        .orElseThrow(() -> noPickle(file));
    TorchArchive archive = new TorchArchive(file, zip, top);
    archive.refuseOtherKinds();
    return archive;
  }

  /** What the pickle holds. */
  Object root() {
    ZipDirectory.Entry pickle = zip.entry(top + "data.pkl");
    if (pickle.length() > Unpickler.MAX_BYTES) {
      throw file.damaged("its pickle takes " + pickle.length() + " bytes", "at most " + Unpickler.MAX_BYTES);
    }
    CRC32 crc = new CRC32();
    MemorySegment bytes = file.slice(pickle.position(), pickle.length());
    crc.update(bytes.asByteBuffer());
    if (crc.getValue() != pickle.crc()) {
      throw file.damaged("the checksum of its pickle is wrong", "the checksum that the zip directory gives");
    }
    return Unpickler.read(new PickleInput(file, bytes)).root();
  }

  StorageTable.Place storage(TorchStorage storage) {
    ZipDirectory.Entry entry = zip.entry(top + "data/" + storage.key());
    if (entry == null) {
      throw file.damaged("the storage \"" + storage.key() + "\" is missing", "an entry " + top + "data/" + storage.key());
    }
    if (entry.length() != storage.bytes()) {
      throw file.damaged(
          "the storage \"" + storage.key() + "\" has " + entry.length() + " bytes, but its tensors say " + storage.bytes(), "equal sizes");
    }
    return new StorageTable.Place(entry.position(), entry.length());
  }

  private void refuseOtherKinds() {
    if (zip.entry(top + "constants.pkl") != null) {
      throw CheckpointException.of(
          file.path(), "it is a TorchScript program", "a table of tensors", "Save the model's state_dict with torch.save");
    }
    ZipDirectory.Entry order = zip.entry(top + "byteorder");
    if (order != null && !isLittle(file.slice(order.position(), order.length()))) {
      throw CheckpointException.of(
          file.path(), "it was written on a big-endian machine", "little-endian data", "Save it again on a little-endian machine");
    }
  }

  private static boolean isLittle(MemorySegment text) {
    return text.mismatch(MemorySegment.ofArray("little".getBytes(StandardCharsets.US_ASCII))) == -1;
  }

  private static CheckpointException noPickle(MappedFile file) {
    return CheckpointException.of(
        file.path(),
        "it is a zip file without a data.pkl in its top folder",
        "a file written by torch.save",
        "If it is an archive of checkpoint files, unpack it first");
  }
}
