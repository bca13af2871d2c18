package kumiko.runtime.machine;

import java.lang.foreign.Arena;

/** Which {@link MachineCode} a process gets. */
final class MachineCodeChoice {
  /** Asks the system for the tile registers. */
  @FunctionalInterface
  interface TileRequest {
    void send() throws SystemCalls.Refused;
  }

  private static MachineCode chosen;

  private MachineCodeChoice() {}

  static synchronized MachineCode ofProcess() {
    if (chosen == null) {
      chosen = choose(System.getProperty(MachineCode.PROPERTY), Processor.current(), SystemCalls::requestTiles, Arena.global());
    }
    return chosen;
  }

  /** The code lives as long as {@code arena}. */
  static MachineCode choose(String wanted, Processor processor, TileRequest tiles, Arena arena) {
    boolean amx = switch (wanted) {
      case null -> false;
      case "off" -> false;
      case "amx" -> true;
      default -> throw new IllegalArgumentException(
          "-D" + MachineCode.PROPERTY + "=" + wanted + ": choose off or amx, or leave it away for what the processor has");
    };
    if ("off".equals(wanted)) {
      return new MachineCode.Absent("-D" + MachineCode.PROPERTY + "=off");
    }
    if (!processor.system().equals(Processor.LINUX)) {
      return new MachineCode.Absent("machine code is written for " + Processor.LINUX + ", and this is " + processor.system());
    }
    String missing = amx
        ? processor.firstMissing("avx512bw", "avx512_bf16", "amx_tile", "amx_bf16")
        : processor.firstMissing("avx512bw", "avx512_bf16");
    if (missing != null) {
      return new MachineCode.Absent("this processor has no " + missing);
    }
    try {
      return install(amx, tiles, arena);
    } catch (SystemCalls.Refused refused) {
      return new MachineCode.Absent(refused.getMessage());
    }
  }

  private static MachineCode install(boolean amx, TileRequest tiles, Arena arena) throws SystemCalls.Refused {
    CodePages pages = new CodePages(arena);
    PanelProduct product = new PairProduct(pages);
    if (amx) {
      tiles.send();
      product = new TileProduct(product, pages, arena);
    }
    return new MachineCode.Ready(new PanelMoves(pages), product);
  }
}
