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
      return MachineCode.none("-D" + MachineCode.PROPERTY + "=off");
    }
    if (!processor.system().equals(Processor.LINUX)) {
      return MachineCode.none("machine code is written for " + Processor.LINUX + ", and this is " + processor.system());
    }
    CodePages pages = new CodePages(arena);
    String[] pairs = amx ? new String[]{"avx512bw", "avx512_bf16", "amx_tile", "amx_bf16"} : new String[]{"avx512bw", "avx512_bf16"};
    return new MachineCode(
        part(processor,
            () -> new MachineCode.Ready<>(
                new FloatProducts(
                    new StoredProduct(pages), new PanelMoves(pages), new BroadcastProduct(PanelElement.SINGLE, pages),
                    new PanelAttention(pages), new RowFunctions(pages)),
                "avx512"),
            "avx512bw", "bmi2"),
        part(processor, () -> pairs(amx, tiles, pages, arena), pairs));
  }

  /** Makes products; the system may refuse what they need. */
  @FunctionalInterface
  private interface Maker<T> {
    MachineCode.Part<T> make() throws SystemCalls.Refused;
  }

  private static <T> MachineCode.Part<T> part(Processor processor, Maker<T> maker, String... wanted) {
    String missing = processor.firstMissing(wanted);
    if (missing != null) {
      return new MachineCode.Absent<>("this processor has no " + missing);
    }
    try {
      return maker.make();
    } catch (SystemCalls.Refused refused) {
      return new MachineCode.Absent<>(refused.getMessage());
    }
  }

  private static MachineCode.Part<PairProducts> pairs(boolean amx, TileRequest tiles, CodePages pages, Arena arena)
      throws SystemCalls.Refused {
    PanelProduct product = new BroadcastProduct(PanelElement.PAIR, pages);
    if (amx) {
      tiles.send();
      product = new TileProduct(product, pages, arena);
    }
    RowRounding rounding = new RowRounding(pages);
    PairProducts products = new PairProducts(new PanelMoves(pages), product, new PairEights(rounding, pages), rounding);
    return new MachineCode.Ready<>(products, product.instructions());
  }
}
