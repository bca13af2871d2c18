package kumiko.runtime.machine;

import java.lang.foreign.Arena;
import java.util.function.Supplier;

/** Which {@link MachineCode} a process gets. */
final class MachineCodeChoice {
  private static final String[] TILES = {"amx_tile", "amx_bf16"};
  private static final String WITHOUT_TILES = "avx512";
  private static final String HALVED = "avx2";
  private static final String OFF = "off";
  private static final String[] HALVED_FLAGS = {"avx2", "fma", "f16c", "bmi2"};

  /** Digits of numbers that are exact enough for products in float32, and for products in bf16. */
  private static final int FINE_DIGITS = 3;

  private static final int ROUGH_DIGITS = 2;

  /** Asks the system for the tile registers and makes the products that use them. */
  @FunctionalInterface
  interface TileMaker {
    /** @param rest what tiles leave over */
    PanelProduct make(PanelProduct rest, Ahead ahead) throws SystemCalls.Refused;
  }

  /**
   * What code is made for.
   *
   * @param ahead what suits the others
   */
  private record Here(Processor processor, NearestCaches caches, Ahead ahead, CodePages pages) {
    static Here of(Processor processor, CodePages pages) {
      NearestCaches caches = NearestCaches.ofProcess(pages);
      return new Here(processor, caches, Ahead.of(processor, caches), pages);
    }
  }

  private static MachineCode chosen;

  private MachineCodeChoice() {}

  static synchronized MachineCode ofProcess() {
    if (chosen == null) {
      Arena arena = Arena.global();
      chosen = choose(System.getProperty(MachineCode.PROPERTY), Processor.current(), (rest, ahead) -> {
        SystemCalls.requestTiles();
        return new TileProduct(rest, ahead, new CodePages(arena), arena);
      }, arena);
    }
    return chosen;
  }

  /** The code lives as long as {@code arena}. */
  static MachineCode choose(String wanted, Processor processor, TileMaker tiles, Arena arena) {
    if (wanted != null && !wanted.equals(OFF) && !wanted.equals(WITHOUT_TILES) && !wanted.equals(HALVED)) {
      throw new SystemPropertyException(
          property(wanted) + ": choose " + WITHOUT_TILES + ", " + HALVED + " or " + OFF
              + ", or leave it away for all that the processor has");
    }
    if (OFF.equals(wanted)) {
      return MachineCode.none(property(OFF));
    }
    if (!processor.system().equals(Processor.LINUX)) {
      return MachineCode.none("machine code is written for " + Processor.LINUX + ", and this is " + processor.system());
    }
    String missing = processor.firstMissing("avx512bw");
    boolean halved = missing != null || HALVED.equals(wanted);
    if (halved && processor.firstMissing(HALVED_FLAGS) != null) {
      return MachineCode.none(lacks(processor.firstMissing(HALVED_FLAGS)));
    }
    CodePages pages = halved ? new CodePages(arena, HalvedAssembler::new) : new CodePages(arena);
    try {
      pages.tryOut();
    } catch (SystemCalls.Refused refused) {
      return MachineCode.none(refused.getMessage());
    }
    Here here = Here.of(processor, pages);
    if (halved) {
      String reason = missing == null ? property(HALVED) : null;
      return new MachineCode(halved(here, reason), new MachineCode.Absent<>(missing == null ? reason : lacks(missing)));
    }
    return new MachineCode(part(processor, () -> floats(here), "bmi2"),
        part(processor, () -> pairs(wanted, here, tiles), "avx512_bf16"));
  }

  private static String property(String value) {
    return "-D" + MachineCode.PROPERTY + "=" + value;
  }

  private static String lacks(String flag) {
    return "this processor has no " + flag;
  }

  private static <T> MachineCode.Part<T> part(Processor processor, Supplier<MachineCode.Part<T>> maker, String wanted) {
    return processor.firstMissing(wanted) == null ? maker.get() : new MachineCode.Absent<>(lacks(wanted));
  }

  private static MachineCode.Part<FloatProducts> halved(Here here, String reason) {
    BlockProduct blocks = new BlockProduct(FINE_DIGITS, here.ahead, here.pages);
    return new MachineCode.Ready<>(products(here, null, blocks, blocks), HALVED, reason);
  }

  private static FloatProducts products(Here here, BfloatDots dots, BlockProduct blocks, BlockProduct roughBlocks) {
    Ahead ahead = here.ahead;
    CodePages pages = here.pages;
    return new FloatProducts(
        new StoredProduct(ahead, here.caches.data(), pages), dots, blocks, roughBlocks,
        new BlockWidening(PanelElement.SINGLE, pages), new PanelMoves(pages), new BroadcastProduct(PanelElement.SINGLE, pages),
        new PanelAttention(pages), new GroupAttention(WeightVector.F32, ahead, pages), new GroupAttention(WeightVector.BF16, ahead, pages),
        new RowFunctions(pages));
  }

  private static MachineCode.Part<FloatProducts> floats(Here here) {
    boolean hasBlocks = here.processor.firstMissing("avx512vbmi", "avx512_vnni") == null;
    // On Zen 5 to widen bf16 beats splitting it by 5 % (LLaMA-3.2-1B, by turns).
    BfloatDots dots = here.ahead == Ahead.ONCE ? null : new SplitDots(here.ahead, here.caches.data(), here.pages);
    BlockProduct blocks = hasBlocks ? new BlockProduct(FINE_DIGITS, here.ahead, here.pages) : null;
    BlockProduct roughBlocks = hasBlocks ? new BlockProduct(ROUGH_DIGITS, here.ahead, here.pages) : null;
    return new MachineCode.Ready<>(products(here, dots, blocks, roughBlocks), "avx512", null);
  }

  /** Without tiles where they are not wanted, where the system refuses them, and where they do not compute what they must. */
  private static MachineCode.Part<PairProducts> pairs(String wanted, Here here, TileMaker tiles) {
    PanelProduct vectors = new BroadcastProduct(PanelElement.PAIR, here.pages);
    if (here.processor.firstMissing(TILES) != null) {
      return pairs(vectors, null, here);
    }
    if (WITHOUT_TILES.equals(wanted)) {
      return pairs(vectors, property(WITHOUT_TILES), here);
    }
    try {
      PanelProduct product = tiles.make(vectors, here.ahead);
      return TileTrial.passes(product) && (product.manyRows() == null || TileTrial.passes(product.manyRows()))
          ? pairs(product, null, here)
          : pairs(vectors, product.instructions() + " gave a wrong product when it was tried", here);
    } catch (SystemCalls.Refused refused) {
      return pairs(vectors, refused.getMessage(), here);
    }
  }

  private static MachineCode.Part<PairProducts> pairs(PanelProduct product, String reason, Here here) {
    CodePages pages = here.pages;
    RowRounding rounding = new RowRounding(pages);
    boolean inParts = product.manyRows() != null;
    PairProducts products = new PairProducts(
        new PanelMoves(pages), product, new PairDots(rounding, here.ahead, here.caches.data(), pages),
        new PairEights(rounding, here.ahead, pages),
        rounding,
        inParts ? new RowParts(pages) : null, inParts ? new WeightParts(pages) : null, new BlockWidening(PanelElement.PAIR, pages),
        new PairAttention(pages));
    return new MachineCode.Ready<>(products, product.instructions(), reason);
  }
}
