package kumiko.runtime.machine;

import java.util.function.Supplier;

/** Makes machine code callable. */
@FunctionalInterface
interface CodeInstaller {
  /** @param code asked for no sooner than the routine is called, as a process calls few of all that there are */
  Routine install(Supplier<byte[]> code);
}
