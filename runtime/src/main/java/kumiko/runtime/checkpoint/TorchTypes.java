package kumiko.runtime.checkpoint;

import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import kumiko.runtime.tensor.DType;

/**
 * Names of element types in PyTorch files: a storage class, or for the younger types a bare type name. Source: torch/storage.py,
 * {@code _dtype_to_storage_type_map}.
 */
final class TorchTypes {
  private static final Map<DType, String> STORAGES = Map.of(
      DType.F64, "DoubleStorage",
      DType.F32, "FloatStorage",
      DType.F16, "HalfStorage",
      DType.BF16, "BFloat16Storage",
      DType.I64, "LongStorage",
      DType.I32, "IntStorage",
      DType.I16, "ShortStorage",
      DType.I8, "CharStorage",
      DType.U8, "ByteStorage",
      DType.BOOL, "BoolStorage");
  private static final Map<DType, String> NAMES = Map.ofEntries(
      Map.entry(DType.F64, "float64"),
      Map.entry(DType.F32, "float32"),
      Map.entry(DType.F16, "float16"),
      Map.entry(DType.BF16, "bfloat16"),
      Map.entry(DType.F8_E4M3, "float8_e4m3fn"),
      Map.entry(DType.F8_E5M2, "float8_e5m2"),
      Map.entry(DType.I64, "int64"),
      Map.entry(DType.I32, "int32"),
      Map.entry(DType.I16, "int16"),
      Map.entry(DType.I8, "int8"),
      Map.entry(DType.U64, "uint64"),
      Map.entry(DType.U32, "uint32"),
      Map.entry(DType.U16, "uint16"),
      Map.entry(DType.U8, "uint8"),
      Map.entry(DType.BOOL, "bool"));
  private static final Map<String, DType> OF_STORAGE = inverse(STORAGES);
  private static final Map<String, DType> OF_NAME = inverse(NAMES);

  private TorchTypes() {}

  static Optional<DType> ofStorage(String storageClass) {
    return Optional.ofNullable(OF_STORAGE.get(storageClass));
  }

  static Optional<DType> ofName(String name) {
    return Optional.ofNullable(OF_NAME.get(name));
  }

  /** The storage class of a type; empty for types that PyTorch stores as plain bytes. */
  static Optional<String> storage(DType type) {
    return Optional.ofNullable(STORAGES.get(type));
  }

  /** The type's name in {@code torch}; empty for types that PyTorch lacks. */
  static Optional<String> name(DType type) {
    return Optional.ofNullable(NAMES.get(type));
  }

  private static Map<String, DType> inverse(Map<DType, String> names) {
    return names.entrySet().stream().collect(Collectors.toUnmodifiableMap(Map.Entry::getValue, Map.Entry::getKey));
  }
}
