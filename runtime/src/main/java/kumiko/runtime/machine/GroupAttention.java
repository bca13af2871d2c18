package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Attention of 1, 2 or 4 queries of float32 that see the same keys, each key and each value read once for all of them.
 *
 * <p>Two queries get, bit for bit, what they get among four: how many are taken at once may hang on the number of threads.
 *
 * <p>Where there are many keys, four places are read at once, each in order: then the keys stand in another order in blocks, the first of each
 * quarter, then the second of each and so on. Only keys in whole blocks of one query are taken so, however many queries there are; the others
 * follow as they come. See {@link #inFour}.
 *
 * <p>Scores come in <em>blocks</em> of sixteen: some keys of the first query, the same ones of the second, and so on. Before the first
 * block lies a <em>state</em> of {@value #STATE_BYTES} bytes, vectors of float32: in each place the largest score of the query that the
 * place in a block belongs to, likewise the sum of its exponentials, and one factor for each query.
 */
public final class GroupAttention {
  /** The most queries at once. */
  public static final int QUERIES = 4;

  /** Bytes of a state. */
  public static final int STATE_BYTES = 3 * 64;

  /** Where the state's parts begin. */
  public static final int MAX = 0;

  public static final int SUM = 64;
  public static final int FACTORS = 128;

  /** Scores in a block. */
  public static final int BLOCK = WeightVector.LANES;

  static final int BLOCK_BYTES = 64;

  private static final int FOUR = GroupScoreCode.FOUR;

  /** Fewer keys are not worth four beginnings. */
  private static final int LEAST_IN_FOUR = 64;

  private static final int HALVES = 0x4e;
  private static final int NEIGHBOURS = 0xb1;

  /** Of keys and values. */
  private final WeightVector type;

  private final boolean readsFour;

  /** By queries, and for mixing by strips of columns. */
  private final Routine[] scores = new Routine[QUERIES + 1];

  private final Routine[] softens = new Routine[QUERIES + 1];
  private final Routine[][] mixes = new Routine[QUERIES + 1][PanelLayout.STRIPS + 1];

  /** The same where all strips are full. */
  private final Routine[][] wholeMixes = new Routine[QUERIES + 1][PanelLayout.STRIPS + 1];

  GroupAttention(WeightVector type, Ahead ahead, CodeInstaller installer) {
    this.type = type;
    readsFour = ahead.streams() > 1;
    for (int queries = 1; queries <= QUERIES; queries *= 2) {
      int count = queries;
      scores[queries] = installer.install(code -> GroupScoreCode.code(code, count, type, ahead));
      softens[queries] = installer.install(code -> softenCode(code, count));
      for (int strips = 1; strips <= PanelLayout.STRIPS; strips++) {
        int columns = strips;
        mixes[queries][strips] = installer.install(code -> GroupMixCode.code(code, count, columns, type, ahead, 1));
        wholeMixes[queries][strips] = installer.install(code -> GroupMixCode.code(code, count, columns, type, ahead, 0));
      }
    }
  }

  /** Keys of a block. */
  public static int keys(int queries) {
    return BLOCK / queries;
  }

  /**
   * How many of the first of so many keys are read from four places: those of them with number {@code n} are key {@code n % 4 * inFour / 4 +
   * n / 4}.
   */
  int inFour(int keys) {
    int whole = keys / BLOCK * BLOCK;
    return readsFour && whole >= LEAST_IN_FOUR ? whole : 0;
  }

  /**
   * Dot products of {@code queries} rows with the keys of {@code blocks} whole blocks.
   *
   * @param query address of rows of {@code columns} float32 without a gap
   * @param keys address of rows without a gap likewise
   * @param to address of the first block
   */
  public void score(int queries, long query, long keys, int blocks, int columns, long to) {
    long row = type.type().bytes(columns);
    int all = blocks * keys(queries);
    int inFour = inFour(all);
    if (inFour > 0) {
      scores[queries].call(keys, inFour / FOUR * row, inFour / keys(queries), query, row << Integer.SIZE | columns, to);
    }
    if (inFour < all) {
      long behind = to + (long) inFour / keys(queries) * BLOCK_BYTES;
      scores[queries].call(
          keys + inFour * row, row, (all - inFour) / keys(queries), query, (FOUR * row) << Integer.SIZE | columns, behind);
    }
  }

  /**
   * Scores of {@code count} keys, at least 1, become {@code e^(scale * score - max)}; the state before them tells the maxima of the scaled
   * scores, at least -{@link Float#MAX_VALUE}, and the sums.
   */
  public void soften(int queries, long scores, int count, float scale) {
    int keys = keys(queries);
    int blocks = Math.ceilDiv(count, keys);
    int last = (1 << (count - (blocks - 1) * keys)) - 1;
    long mask = 0;
    for (int q = 0; q < queries; q++) {
      mask |= (long) last << (q * keys);
    }
    softens[queries].call(scores, scores - STATE_BYTES, blocks, mask, Float.floatToRawIntBits(scale), 0);
  }

  /**
   * {@code to[q, d] = factor[q] * sum over k < count of exponential[q, k] * values[k, d]} for {@code d < columns}, with the state's
   * factors.
   *
   * @param values address of rows without a gap
   * @param to address of rows of {@code columns} float32 likewise
   */
  public void mix(int queries, long scores, long values, int count, int columns, long to) {
    int inFour = inFour(count);
    long blocks = inFour / keys(queries);
    long counts = blocks << Integer.SIZE | (count - inFour);
    for (int d = 0; d < columns; d += PanelLayout.LANES) {
      int taken = Math.min(PanelLayout.LANES, columns - d);
      int strips = Math.ceilDiv(taken, PanelLayout.STRIP);
      long mask = (1L << (taken - (strips - 1) * PanelLayout.STRIP)) - 1;
      Routine[][] routines = taken % PanelLayout.STRIP == 0 ? wholeMixes : mixes;
      routines[queries][strips].call(
          scores, values + type.type().bytes(d), type.type().bytes(columns), counts, to + (long) d * Float.BYTES, mask);
    }
  }

  /** RDI scores, RSI state, RDX blocks, RCX those of the last block that there are, as bits, R8 scale. */
  static void softenCode(Assembler code, int queries) {
    int max = 0;
    int sum = 1;
    int value = 2;
    int factor = 18;
    ExponentialCode.constants(code);
    ExponentialCode.constant(code, max, -Float.MAX_VALUE);
    ExponentialCode.constant(code, value, Float.NEGATIVE_INFINITY);
    code.vpbroadcastd(factor, R8);
    code.kmovw(1, RCX);
    code.mov(RAX, RDX);
    code.shl(RAX, Integer.numberOfTrailingZeros(BLOCK_BYTES));
    code.lea(R10, Address.at(RDI, RAX, 1).plus(-BLOCK_BYTES));
    code.vmulpsWithin(1, value, factor, Address.at(R10, 0));
    code.vmovups(Address.at(R10, 0), value);
    code.vmaxps(max, max, value);
    code.mov(R10, RDI);
    code.mov(RAX, RDX);
    code.dec(RAX);
    int single = code.jz();
    int next = code.here();
    code.vmulps(value, factor, Address.at(R10, 0));
    code.vmovups(Address.at(R10, 0), value);
    code.vmaxps(max, max, value);
    code.add(R10, BLOCK_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.land(single);
    fold(code, queries, max, value, code::vmaxps);
    code.vmovups(Address.at(RSI, MAX), max);
    // As two queries, whose blocks have twice as many keys, sum them: every second block apart.
    boolean apart = queries == QUERIES;
    int other = factor;
    code.vpxord(sum);
    code.vpxord(other);
    next = code.here();
    code.vmovups(value, Address.at(RDI, 0));
    code.vsubps(value, value, max);
    ExponentialCode.emit(code, value, 8);
    code.vmovups(Address.at(RDI, 0), value);
    code.vaddps(sum, sum, value);
    if (apart) {
      code.vmovaps(value, sum);
      code.vmovaps(sum, other);
      code.vmovaps(other, value);
    }
    code.add(RDI, BLOCK_BYTES);
    code.dec(RDX);
    code.jnz(next);
    fold(code, queries, sum, value, code::vaddps);
    if (apart) {
      fold(code, queries, other, value, code::vaddps);
      code.vaddps(sum, sum, other);
    }
    code.vmovups(Address.at(RSI, SUM), sum);
    code.vzeroupper();
    code.ret();
  }

  /** An instruction of two operands. */
  @FunctionalInterface
  private interface Fold {
    void emit(int target, int a, int b);
  }

  /** Every place of a query gets what all its places come to. */
  private static void fold(Assembler code, int queries, int register, int room, Fold fold) {
    for (int which : new int[]{HALVES, NEIGHBOURS}) {
      code.vpshufd(room, register, which);
      fold.emit(register, register, room);
    }
    if (queries <= 2) {
      code.vshufi32x4(room, register, register, NEIGHBOURS);
      fold.emit(register, register, room);
    }
    if (queries == 1) {
      code.vshufi32x4(room, register, register, HALVES);
      fold.emit(register, register, room);
    }
  }
}
