package kumiko.runtime.kernel;

/**
 * Whether the JVM was started with the Vector API, an incubator module that nobody gets unasked. Where there is machine code little needs it:
 * that is then done as it is defined.
 */
final class VectorApi {
  static final String MODULE = "jdk.incubator.vector";

  static final boolean IS_THERE = ModuleLayer.boot().findModule(MODULE).isPresent();

  /** Numbers of float32 in a vector; without the Vector API, in one of AVX-512. */
  static final int LANES = IS_THERE ? Lanes.COUNT : 16;

  private VectorApi() {}
}
