package kumiko.runtime.kernel;

import kumiko.runtime.tensor.DType;

/**
 * A type of cache that the vector kernels keep, and their loops for it.
 *
 * @param bytes of a number
 * @param dots null without the Vector API
 */
record CacheElement(DType type, long bytes, WeightDots dots, WeightRows rows) {
  static final CacheElement F32 = new CacheElement(DType.F32, Float.BYTES, VectorApi.IS_THERE ? new F32Dots() : null, WeightRows.F32);
  static final CacheElement BF16 = new CacheElement(DType.BF16, Short.BYTES, VectorApi.IS_THERE ? new Bf16Dots() : null, WeightRows.BF16);

  static CacheElement of(DType type) {
    return type == DType.BF16 ? BF16 : F32;
  }

  boolean isFloat() {
    return type == DType.F32;
  }
}
