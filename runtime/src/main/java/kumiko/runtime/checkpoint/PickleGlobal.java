package kumiko.runtime.checkpoint;

import java.util.Optional;
import kumiko.runtime.tensor.DType;

/**
 * The Python names a pickle of tensors may use. Nothing of Python is run: each is a word that says which plain value to build. Every
 * other name is refused.
 */
sealed interface PickleGlobal {

  /** Functions and classes that are called with arguments. */
  enum Callable implements PickleGlobal {
    ORDERED_DICT,
    SIZE,
    REBUILD_TENSOR,
    REBUILD_TENSOR_V3,
    REBUILD_PARAMETER
  }

  /** A storage class such as {@code torch.HalfStorage}. */
  record StorageType(DType dtype) implements PickleGlobal {}

  /** A storage of bytes, whose tensors say their type themselves. */
  enum Untyped implements PickleGlobal {
    STORAGE
  }

  /** A type name such as {@code torch.float16}. */
  record TypeName(DType dtype) implements PickleGlobal {}

  static Optional<PickleGlobal> find(String module, String name) {
    return switch (module + "." + name) {
      case "collections.OrderedDict" -> Optional.of(Callable.ORDERED_DICT);
      case "torch.Size" -> Optional.of(Callable.SIZE);
      case "torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2" -> Optional.of(Callable.REBUILD_TENSOR);
      case "torch._utils._rebuild_tensor_v3" -> Optional.of(Callable.REBUILD_TENSOR_V3);
      case "torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state" -> Optional.of(Callable.REBUILD_PARAMETER);
      case "torch.storage.UntypedStorage", "torch.UntypedStorage" -> Optional.of(Untyped.STORAGE);
      default -> module.equals("torch") ? torchType(name) : Optional.empty();
    };
  }

  private static Optional<PickleGlobal> torchType(String name) {
    Optional<DType> storage = TorchTypes.ofStorage(name);
    return storage.isPresent() ? storage.map(StorageType::new) : TorchTypes.ofName(name).map(TypeName::new);
  }
}
