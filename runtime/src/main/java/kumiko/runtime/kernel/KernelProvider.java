package kumiko.runtime.kernel;

import java.lang.System.Logger.Level;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.SystemPropertyException;
import kumiko.runtime.tensor.DType;

/**
 * Picks the kernels of this process, once, and logs one line that says which. The system property {@value #PROPERTY} set to {@code
 * scalar} or {@code vector} forces one.
 */
public final class KernelProvider {
  public static final String PROPERTY = "kumiko.kernels";

  private static final String SCALAR = "scalar";
  private static final String VECTOR = "vector";
  private static final String MODULE = "jdk.incubator.vector";

  private static Kernels chosen;

  private KernelProvider() {}

  /**
   * The kernels with float32 activations that everything uses unless it asks for others.
   *
   * @throws SystemPropertyException if the property names neither, or forces vector kernels and the JVM was started without their module,
   *     and as {@link MachineCode#ofProcess}
   */
  public static synchronized Kernels kernels() {
    if (chosen == null) {
      chosen = choose(System.getProperty(PROPERTY), ModuleLayer.boot().findModule(MODULE).isPresent(), logger());
    }
    return chosen;
  }

  private static System.Logger logger() {
    return System.getLogger("kumiko.runtime.kernel");
  }

  static Kernels choose(String wanted, boolean vectorApi, System.Logger logger) {
    String fastest = vectorApi ? VECTOR : SCALAR;
    Kernels kernels = switch (wanted == null ? fastest : wanted) {
      case SCALAR -> new ScalarKernels(DType.F32);
      case VECTOR -> vector(vectorApi);
      default -> throw new SystemPropertyException("-D" + PROPERTY + "=" + wanted + ": choose scalar or vector");
    };
    if (wanted == null && !vectorApi) {
      logger.log(Level.WARNING, kernels.describe() + ": slow; start java with --add-modules " + MODULE + " for the vector kernels");
    } else {
      logger.log(Level.INFO, kernels.describe());
    }
    return kernels;
  }

  private static Kernels vector(boolean vectorApi) {
    if (!vectorApi) {
      throw new SystemPropertyException("-D" + PROPERTY + "=vector needs java started with --add-modules " + MODULE);
    }
    return new VectorKernels();
  }
}
