package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R15;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBP;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * Many rows of bf16 by a panel of others, by {@code tdpbf16ps} (AMX_TILE, AMX_BF16): {@value #GROUP} rows by two strips of the panel at a
 * time, in four tiles of sums. What will be needed next it asks memory for meanwhile. Sums are those of {@link TileProduct}.
 *
 * <p>They lie without gaps, so that those of a few hundred rows stay in the second-level cache until they are complete. Results lie where a
 * model wants them, mostly a power of two apart, and such rows share few lines of a cache: on Granite Rapids a C program that adds to
 * them there for every 512 columns comes to 1,500 GFLOP/s, without gaps to 3,900.
 */
public final class TileRows {
  /** Rows that are multiplied together. */
  public static final int GROUP = 2 * TileProduct.TILE_ROWS;

  /** Strips of a panel. */
  public static final int STRIPS = 2;

  /** Columns are multiplied in whole steps of so many. */
  public static final int STEP = PanelLayout.BLOCK;

  /** What a call is told lies in memory, as it is more than registers of a call hold: bytes from its beginning. */
  private static final int AT_CONFIGURATION = 0;
  private static final int AT_PANEL = 8;
  private static final int AT_ROWS = 16;
  private static final int AT_ROW_STRIDE = 24;
  private static final int AT_GROUPS = 32;
  private static final int AT_STEPS = 40;
  private static final int AT_SUMS = 48;
  private static final int AT_RESULTS = 56;
  private static final int AT_RESULT_STRIDE = 64;
  private static final int AT_AHEAD = 72;
  private static final int AT_AHEAD_STRIDE = 80;

  /** Of what {@link #multiply} writes down for the machine code. */
  public static final int WORK_BYTES = AT_AHEAD_STRIDE + Long.BYTES;

  /** Bytes of a row of sums. */
  public static final int SUM_BYTES = STRIPS * PanelLayout.STRIP_BYTES;

  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);
  private static final Register[] KEPT = {RBX, RBP, R12, R13, R14, R15};
  private static final int STEP_BYTES = 2 * STEP;

  /** Tiles 0 to 3 are sums, 4 and 5 rows, 6 and 7 lanes. */
  private static final int ROWS = 4;

  private static final int LANES = 6;

  /** Vectors of a bias. */
  private static final int BIAS = 16;

  /** What becomes of sums. */
  public enum Delivery {
    /** They are added to the results. */
    ADD,
    /** They are put in the place of the results. */
    PUT,
    /** The same past the caches, which need not read what is overwritten: for results that are too many to stay there until they are read. */
    PUT_PAST
  }

  private final Routine adding;
  private final Routine writing;
  private final Map<Delivery, Routine> deliveries = new EnumMap<>(Delivery.class);
  private final long configuration;

  TileRows(CodeInstaller installer, long configuration) throws SystemCalls.Refused {
    List<byte[]> codes = new ArrayList<>(List.of(code(true), code(false)));
    for (Delivery delivery : Delivery.values()) {
      codes.add(code(delivery));
    }
    Iterator<? extends Routine> routines = installer.install(codes).iterator();
    adding = routines.next();
    writing = routines.next();
    for (Delivery delivery : Delivery.values()) {
      deliveries.put(delivery, routines.next());
    }
    this.configuration = configuration;
  }

  /**
   * {@code sums[r, lane] += sum over k of rows[r, k] * panel[k, lane]} for {@code 32 groups} rows, {@code 32 steps} columns and all
   * lanes of a panel of {@value #STRIPS} strips.
   *
   * @param add false to put the sums in the place of what they were
   * @param rowStride bytes from one row to the next; so are the other strides
   * @param sums address of rows of {@link #SUM_BYTES}
   * @param results address of what {@link #deliver} will change, of which it asks memory for one row a step, going on with every group
   * @param ahead address of rows of bf16 that will be needed, of which it asks memory for as many columns, two for every group
   * @param work address of {@link #WORK_BYTES} bytes that belong to this thread
   */
  public void multiply(
      boolean add,
      long panel,
      long rows,
      long rowStride,
      int groups,
      int steps,
      long sums,
      long results,
      long resultStride,
      long ahead,
      long aheadStride,
      long work) {
    set(work + AT_CONFIGURATION, configuration);
    set(work + AT_PANEL, panel);
    set(work + AT_ROWS, rows);
    set(work + AT_ROW_STRIDE, rowStride);
    set(work + AT_GROUPS, groups);
    set(work + AT_STEPS, steps);
    set(work + AT_SUMS, sums);
    set(work + AT_RESULTS, results);
    set(work + AT_RESULT_STRIDE, resultStride);
    set(work + AT_AHEAD, ahead);
    set(work + AT_AHEAD_STRIDE, aheadStride);
    (add ? adding : writing).call(work, 0, 0, 0, 0, 0);
  }

  /**
   * {@code results[r, lane] += sums[r, lane]} for {@code lanes} lanes, or what {@link Delivery} says.
   *
   * @param sums address of the first lane of the first row
   * @param stride bytes from one row of results to the next
   * @param rows at least 1
   * @param bias address of what is added to every row, or 0
   */
  public void deliver(Delivery delivery, long sums, long results, long stride, int rows, int lanes, long bias) {
    deliveries.get(delivery).call(sums, results, stride, rows, (1L << lanes) - 1, bias);
  }

  /** Whether {@link Delivery#PUT_PAST} can write there: all lanes, of whole lines of memory. */
  public static boolean canPutPast(long results, long stride, int lanes) {
    return lanes == STRIPS * PanelLayout.STRIP && (results | stride) % PanelLayout.STRIP_BYTES == 0;
  }

  /** RDI sums, RSI results, RDX their stride, RCX rows, R8 the lanes that there are, as bits, R9 bias or 0. */
  static byte[] code(Delivery delivery) {
    Assembler code = new Assembler();
    code.kmovw(1, R8);
    code.shr(R8, PanelLayout.STRIP);
    code.kmovw(2, R8);
    for (int s = 0; s < STRIPS; s++) {
      code.vpxord(BIAS + s);
    }
    code.test(R9, R9);
    int none = code.jz();
    for (int s = 0; s < STRIPS; s++) {
      code.vmovups(BIAS + s, 1 + s, Address.at(R9, s * PanelLayout.STRIP_BYTES));
    }
    code.land(none);
    int top = code.here();
    for (int s = 0; s < STRIPS; s++) {
      Address result = Address.at(RSI, s * PanelLayout.STRIP_BYTES);
      code.vmovups(s, 1 + s, Address.at(RDI, s * PanelLayout.STRIP_BYTES));
      code.vaddps(s, s, BIAS + s);
      if (delivery == Delivery.ADD) {
        code.vmovups(STRIPS + s, 1 + s, result);
        code.vaddps(s, s, STRIPS + s);
      }
      if (delivery == Delivery.PUT_PAST) {
        code.vmovntps(result, s);
      } else {
        code.vmovups(result, 1 + s, s);
      }
    }
    code.add(RDI, SUM_BYTES);
    code.add(RSI, RDX);
    code.dec(RCX);
    code.jnz(top);
    if (delivery == Delivery.PUT_PAST) {
      code.sfence();
    }
    code.vzeroupper();
    code.ret();
    return code.toBytes();
  }

  private static void set(long field, long value) {
    MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, field, value);
  }

  /**
   * RDI work. RSI rows, RDX their stride, R14 sums, R15 groups left, R10 bytes of a row of sums or of the panel, RBP stride of results, R12
   * rows that will be needed, R13 their stride; in the loop RAX, R9 rows, R11 sums of the second tile, RBX panel, R8 results.
   */
  static byte[] code(boolean add) {
    Assembler code = new Assembler();
    code.push(KEPT);
    code.mov(RAX, Address.at(RDI, AT_CONFIGURATION));
    code.ldtilecfg(Address.at(RAX, 0));
    code.mov(RSI, Address.at(RDI, AT_ROWS));
    code.mov(RDX, Address.at(RDI, AT_ROW_STRIDE));
    code.mov(R14, Address.at(RDI, AT_SUMS));
    code.mov(RBP, Address.at(RDI, AT_RESULT_STRIDE));
    code.mov(R15, Address.at(RDI, AT_GROUPS));
    code.mov(R13, Address.at(RDI, AT_AHEAD_STRIDE));
    code.mov(R10, SUM_BYTES);
    int nextGroup = code.here();
    group(code, add);
    advance(code, RSI, RDX);
    code.add(R14, GROUP * SUM_BYTES);
    code.dec(R15);
    code.jnz(nextGroup);
    code.tilerelease();
    code.pop(KEPT);
    code.ret();
    return code.toBytes();
  }

  private static void advance(Assembler code, Register place, Register stride) {
    code.mov(RAX, stride);
    code.shl(RAX, Integer.numberOfTrailingZeros(GROUP));
    code.add(place, RAX);
  }

  /** {@code target = place + 16 stride}. */
  private static void secondTile(Assembler code, Register target, Register place, Register stride) {
    code.mov(target, stride);
    code.shl(target, Integer.numberOfTrailingZeros(TileProduct.TILE_ROWS));
    code.add(target, place);
  }

  private static void group(Assembler code, boolean add) {
    code.mov(RBX, Address.at(RDI, AT_PANEL));
    code.mov(RCX, Address.at(RDI, AT_STEPS));
    code.mov(R12, Address.at(RDI, AT_AHEAD));
    code.mov(R8, Address.at(RDI, AT_RESULTS));
    code.lea(R11, Address.at(R14, TileProduct.TILE_ROWS * SUM_BYTES));
    secondTile(code, R9, RSI, RDX);
    code.mov(RAX, RSI);
    for (int i = 0; i < ROWS; i++) {
      if (add) {
        code.tileloadd(i, sum(i));
      } else {
        code.tilezero(i);
      }
    }
    int top = code.here();
    step(code);
    code.add(RAX, STEP_BYTES);
    code.add(R9, STEP_BYTES);
    code.add(R12, STEP_BYTES);
    code.add(R8, RBP);
    code.add(RBX, STEP / 2 * SUM_BYTES);
    code.dec(RCX);
    code.jnz(top);
    for (int i = 0; i < ROWS; i++) {
      code.tilestored(sum(i), i);
    }
    code.mov(RAX, Address.at(RDI, AT_AHEAD));
    code.lea(RAX, Address.at(RAX, R13, 2));
    code.mov(Address.at(RDI, AT_AHEAD), RAX);
    code.mov(R8, Address.at(RDI, AT_RESULTS));
    advance(code, R8, RBP);
    code.mov(Address.at(RDI, AT_RESULTS), R8);
  }

  private static Address sum(int i) {
    return Address.at(i < 2 ? R14 : R11, R10, 1).plus(i % 2 * PanelLayout.STRIP_BYTES);
  }

  private static void step(Assembler code) {
    Address lanes = Address.at(RBX, R10, 1);
    code.tileloaddt1(ROWS, Address.at(RAX, RDX, 1));
    code.tileloadd(LANES, lanes);
    code.tdpbf16ps(0, ROWS, LANES);
    code.tileloadd(LANES + 1, lanes.plus(PanelLayout.STRIP_BYTES));
    code.tdpbf16ps(1, ROWS, LANES + 1);
    code.tileloaddt1(ROWS + 1, Address.at(R9, RDX, 1));
    code.tdpbf16ps(2, ROWS + 1, LANES);
    code.tdpbf16ps(3, ROWS + 1, LANES + 1);
    code.prefetcht1(Address.at(R12, 0));
    code.prefetcht1(Address.at(R12, R13, 1));
    code.prefetcht1(Address.at(R8, 0));
    code.prefetcht1(Address.at(R8, PanelLayout.STRIP_BYTES));
  }
}
