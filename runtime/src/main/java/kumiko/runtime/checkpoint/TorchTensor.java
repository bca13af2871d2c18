package kumiko.runtime.checkpoint;

import java.util.List;
import kumiko.runtime.tensor.DType;

/**
 * A tensor as a pickle describes it, not yet proved against its storage: sizes and strides in elements, {@code offset} elements into
 * the storage.
 */
record TorchTensor(TorchStorage storage, DType dtype, long offset, List<Long> sizes, List<Long> strides) {}
