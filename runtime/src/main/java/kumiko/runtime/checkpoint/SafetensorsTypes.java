package kumiko.runtime.checkpoint;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import kumiko.runtime.tensor.DType;

/** Type names of the safetensors format. Source: the Dtype list of the safetensors library, huggingface/safetensors. */
final class SafetensorsTypes {
  private static final Map<String, DType> TYPES = new LinkedHashMap<>();

  /** In the format's list, but nothing here computes with them. */
  private static final Set<String> UNSUPPORTED = Set.of("F4", "F6_E2M3", "F6_E3M2", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ", "C64");

  static {
    for (DType type : DType.values()) {
      if (!type.isQuantised()) {
        TYPES.put(type.name(), type);
      }
    }
  }

  private SafetensorsTypes() {}

  static Optional<DType> parse(String name) {
    return Optional.ofNullable(TYPES.get(name));
  }

  static boolean isUnsupported(String name) {
    return UNSUPPORTED.contains(name);
  }

  static String known() {
    return String.join(", ", TYPES.keySet());
  }

  static boolean isWritable(DType type) {
    return TYPES.containsValue(type);
  }
}
