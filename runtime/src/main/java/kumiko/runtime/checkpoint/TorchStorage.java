package kumiko.runtime.checkpoint;

/**
 * A storage as a pickle names it: the key under which the file keeps its bytes, and how many elements of how many bytes there must be.
 * The product fits 63 bits.
 */
record TorchStorage(String key, PickleGlobal type, long elements, long width) {
  long bytes() {
    return elements * width;
  }
}
