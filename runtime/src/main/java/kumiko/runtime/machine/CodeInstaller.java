package kumiko.runtime.machine;

import java.util.function.Consumer;

/** Makes machine code callable. */
@FunctionalInterface
interface CodeInstaller {
  /** @param code writes the routine, no sooner than it is called, as a process calls few of all that there are */
  Routine install(Consumer<Assembler> code);

  /** See {@link Assembler#vectors}. */
  default int vectors() {
    return Assembler.VECTORS;
  }
}
