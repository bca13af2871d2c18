package kumiko.runtime.checkpoint;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.DType;

/** Builds what the names of {@link PickleGlobal} stand for from their arguments, checking each. */
final class PickleCalls {
  private static final int MAX_RANK = 32;

  private final PickleInput in;
  private final Map<String, TorchStorage> storages = new HashMap<>();

  PickleCalls(PickleInput in) {
    this.in = in;
  }

  Map<String, TorchStorage> storages() {
    return storages;
  }

  PickleGlobal global(String module, String name) {
    return PickleGlobal.find(module, name).orElseThrow(() -> refused(module, name));
  }

  Object call(Object function, List<Object> arguments) {
    if (!(function instanceof PickleGlobal.Callable callable)) {
      throw in.problem("a call of " + Unpickler.describe(function), "a call that builds a tensor or a dictionary");
    }
    return switch (callable) {
      case ORDERED_DICT -> orderedDict(arguments);
      case SIZE -> argument(arguments, 0, PickleTuple.class, "the extents of a torch.Size");
      case REBUILD_TENSOR -> tensor(arguments, null);
      case REBUILD_TENSOR_V3 -> tensor(arguments, argument(arguments, 6, PickleGlobal.TypeName.class, "the type of a tensor").dtype());
      case REBUILD_PARAMETER -> argument(arguments, 0, TorchTensor.class, "the tensor of a parameter");
    };
  }

  /** A storage from its persistent id: {@code ("storage", class, key, device, elements)}, and for old files a view, which must be none. */
  TorchStorage storage(List<Object> id) {
    if (id.size() < 5 || !"storage".equals(id.get(0)) || (id.size() > 5 && id.get(5) != null)) {
      throw in.problem("an unknown kind of reference to data", "a storage of its own, in five parts");
    }
    PickleGlobal type = argument(id, 1, PickleGlobal.class, "a storage class");
    long width = switch (type) {
      case PickleGlobal.StorageType typed -> typed.dtype().blockBytes();
      case PickleGlobal.Untyped bytes -> 1;
      default -> throw in.problem("a Python name that is no storage class", "a storage class");
    };
    long elements = argument(id, 4, Long.class, "the number of elements of a storage");
    if (elements < 0 || elements > Long.MAX_VALUE / width) {
      throw in.problem("a storage of " + elements + " elements", "a storage that fits into a file");
    }
    TorchStorage storage = new TorchStorage(argument(id, 2, String.class, "the key of a storage"), type, elements, width);
    TorchStorage before = storages.putIfAbsent(storage.key(), storage);
    if (before != null && !before.equals(storage)) {
      throw in.problem("the storage \"" + storage.key() + "\" with two types or sizes", "one type and size for a storage");
    }
    return storage;
  }

  /** Adds {@code key, value, key, value, ...} to a dictionary. */
  void put(Map<Object, Object> dict, List<Object> pairs) {
    if (pairs.size() % 2 != 0) {
      throw in.problem("a key without a value", "keys and values in turn");
    }
    for (int i = 0; i < pairs.size(); i += 2) {
      Object key = pairs.get(i);
      if (!(key instanceof String || key instanceof Number || key instanceof Boolean)) {
        throw in.problem(Unpickler.describe(key) + " as a key", "text or a number as a key");
      }
      dict.put(key, pairs.get(i + 1));
    }
  }

  private CheckpointException refused(String module, String name) {
    return module.equals("torch") && name.endsWith("Storage") ? in.unsupported(name) : in.refused(module + "." + name);
  }

  private Map<Object, Object> orderedDict(List<Object> arguments) {
    Map<Object, Object> dict = new LinkedHashMap<>();
    if (!arguments.isEmpty()) {
      List<Object> flat = new ArrayList<>();
      for (Object pair : items(arguments.getFirst(), "a list of pairs")) {
        List<Object> both = items(pair, "a key and its value");
        if (both.size() != 2) {
          throw in.problem("a pair of " + both.size(), "a key and its value");
        }
        flat.addAll(both);
      }
      put(dict, flat);
    }
    return dict;
  }

  /** {@code (storage, offset, sizes, strides, ...)}; what follows says how to train, not what the values are. */
  private TorchTensor tensor(List<Object> arguments, DType declared) {
    TorchStorage storage = argument(arguments, 0, TorchStorage.class, "the storage of a tensor");
    DType dtype = declared;
    if (storage.type() instanceof PickleGlobal.StorageType typed) {
      dtype = typed.dtype();
    }
    if (dtype == null || (declared != null && declared != dtype)) {
      throw in.problem("a tensor whose type is not that of its storage", "a tensor that says its type once");
    }
    List<Long> sizes = extents(arguments, 2, "the sizes of a tensor");
    List<Long> strides = extents(arguments, 3, "the strides of a tensor");
    if (sizes.size() != strides.size()) {
      throw in.problem(sizes.size() + " sizes and " + strides.size() + " strides", "a stride for every size");
    }
    return new TorchTensor(storage, dtype, argument(arguments, 1, Long.class, "the offset of a tensor"), sizes, strides);
  }

  private List<Long> extents(List<Object> arguments, int index, String what) {
    List<Object> items = argument(arguments, index, PickleTuple.class, what).items();
    if (items.size() > MAX_RANK) {
      throw in.problem("a tensor of " + items.size() + " dimensions", "at most " + MAX_RANK);
    }
    List<Long> extents = new ArrayList<>(items.size());
    for (int i = 0; i < items.size(); i++) {
      extents.add(argument(items, i, Long.class, what));
    }
    return extents;
  }

  private List<Object> items(Object value, String what) {
    return switch (value) {
      case PickleTuple tuple -> tuple.items();
      case List<?> list -> List.<Object>copyOf(list);
      case null, default -> throw in.problem(Unpickler.describe(value), what);
    };
  }

  private <T> T argument(List<Object> arguments, int index, Class<T> type, String what) {
    Object value = index < arguments.size() ? arguments.get(index) : null;
    if (!type.isInstance(value)) {
      throw in.problem(Unpickler.describe(value), what);
    }
    return type.cast(value);
  }
}
