package kumiko.runtime.machine;

import java.util.List;

/** Makes machine code callable. */
@FunctionalInterface
interface CodeInstaller {
  /** @return one routine for each code, in order */
  List<? extends Routine> install(List<byte[]> codes) throws SystemCalls.Refused;
}
