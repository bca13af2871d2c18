package kumiko.runtime.checkpoint;

import java.math.BigInteger;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The format of {@code torch.save} before torch 1.6: five pickles (a magic number, the version 1001, facts about the machine, the
 * tensors, the order of the storages), then every storage as a count of elements and its bytes. Source: {@code _legacy_save} in
 * torch/serialization.py.
 */
final class LegacyTorch {
  private static final BigInteger MAGIC = new BigInteger("1950a86a20f9469cfc6c", 16);
  private static final long VERSION = 1001;

  private final MappedFile file;
  private final Map<String, StorageTable.Place> places = new HashMap<>();
  private Pickle content;
  private long position;

  private LegacyTorch(MappedFile file) {
    this.file = file;
  }

  static LegacyTorch read(MappedFile file) {
    LegacyTorch legacy = new LegacyTorch(file);
    legacy.proveKind();
    legacy.content = legacy.pickle();
    legacy.place(legacy.pickle().root());
    return legacy;
  }

  Object root() {
    return content.root();
  }

  StorageTable.Place storage(TorchStorage storage) {
    StorageTable.Place place = places.get(storage.key());
    if (place == null) {
      throw file.damaged("the storage \"" + storage.key() + "\" is missing", "every storage in the list behind the tensors");
    }
    return place;
  }

  private void proveKind() {
    if (!MAGIC.equals(pickle().root())) {
      throw CheckpointException.of(
          file.path(),
          "it is a bare pickle",
          "a file written by torch.save",
          "If you trust the file, load it in Python and save its state_dict with torch.save or as safetensors");
    }
    Object version = pickle().root();
    if (!Long.valueOf(VERSION).equals(version)) {
      throw file.damaged("the format version is " + Unpickler.describe(version), "version " + VERSION);
    }
    if (!(pickle().root() instanceof Map<?, ?> machine) || !Boolean.TRUE.equals(machine.get("little_endian"))) {
      throw CheckpointException.of(
          file.path(), "it was not written on a little-endian machine", "little-endian data", "Save it again on a little-endian machine");
    }
  }

  private Pickle pickle() {
    PickleInput in = new PickleInput(file, file.slice(position, Math.min(file.size() - position, Unpickler.MAX_BYTES)));
    Pickle pickle = Unpickler.read(in);
    position += in.position();
    return pickle;
  }

  private void place(Object order) {
    if (!(order instanceof List<?> keys)) {
      throw file.damaged("the order of the storages is " + Unpickler.describe(order), "a list of keys");
    }
    for (Object key : keys) {
      TorchStorage storage = content.storages().get(key);
      if (storage == null || places.containsKey(storage.key())) {
        throw file.damaged("the list of storages names " + Unpickler.describe(key), "every storage of a tensor once");
      }
      long left = file.size() - position - Long.BYTES;
      if (left < storage.bytes()) {
        throw file.damaged(
            "the storage \"" + storage.key() + "\" should have " + storage.bytes() + " bytes, but only " + Math.max(0, left) + " are left",
            "a complete file");
      }
      long elements = file.signedLong(position);
      if (elements != storage.elements()) {
        throw file.damaged(
            "the storage \"" + storage.key() + "\" has " + elements + " elements, but its tensors say " + storage.elements(),
            "equal sizes");
      }
      places.put(storage.key(), new StorageTable.Place(position + Long.BYTES, storage.bytes()));
      position += Long.BYTES + storage.bytes();
    }
    if (position != file.size()) {
      throw file.damaged((file.size() - position) + " bytes follow the last storage", "the file to end with its last storage");
    }
  }
}
