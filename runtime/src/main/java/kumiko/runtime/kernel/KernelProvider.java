package kumiko.runtime.kernel;

import java.lang.System.Logger.Level;
import java.util.function.BooleanSupplier;
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
  private static Kernels chosen;

  private KernelProvider() {}

  /**
   * The kernels with float32 activations that everything uses unless it asks for others.
   *
   * @throws SystemPropertyException if the property names neither, or forces vector kernels where there is no machine code and the JVM was
   *     started without their module, and as {@link MachineCode#ofProcess}
   */
  public static synchronized Kernels kernels() {
    if (chosen == null) {
      chosen = choose(System.getProperty(PROPERTY), VectorApi.IS_THERE, KernelProvider::hasMachineCode, logger());
    }
    return chosen;
  }

  private static boolean hasMachineCode() {
    return MachineCode.ofProcess().floats().orNull() != null;
  }

  private static System.Logger logger() {
    return System.getLogger("kumiko.runtime.kernel");
  }

  static Kernels choose(String wanted, boolean vectorApi, BooleanSupplier machineCode, System.Logger logger) {
    boolean hasVectors = vectorApi || (!SCALAR.equals(wanted) && machineCode.getAsBoolean());
    String fastest = hasVectors ? VECTOR : SCALAR;
    Kernels kernels = switch (wanted == null ? fastest : wanted) {
      case SCALAR -> new ScalarKernels(DType.F32);
      case VECTOR -> vector(hasVectors);
      default -> throw new SystemPropertyException("-D" + PROPERTY + "=" + wanted + ": choose scalar or vector");
    };
    if (wanted == null && !hasVectors) {
      logger.log(Level.WARNING,
          kernels.describe() + ": slow; start java with --add-modules " + VectorApi.MODULE + " for the vector kernels");
    } else {
      logger.log(Level.INFO, kernels.describe());
    }
    return kernels;
  }

  private static Kernels vector(boolean hasVectors) {
    if (!hasVectors) {
      throw new SystemPropertyException("-D" + PROPERTY + "=vector needs java started with --add-modules " + VectorApi.MODULE);
    }
    return new VectorKernels();
  }
}
