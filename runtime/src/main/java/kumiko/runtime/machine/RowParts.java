package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Rows of float32 as sums of {@value #PARTS} numbers of bf16 (AVX512BW, AVX512_BF16): the upper 8 bits of each, the next 8, and the last, so
 * that products with other numbers of bf16 are those of the whole, bit for bit before they are summed. Of an infinity the first part is that,
 * of what is no number all are; parts below 2^-126 become zero.
 */
public final class RowParts {
  public static final int PARTS = 3;

  /** Rows have whole groups of so many columns. */
  public static final int COLUMNS = 2 * WeightVector.LANES;

  /** Of one part of a group of columns. The parts of a group follow one another. */
  public static final int GROUP_BYTES = COLUMNS * Short.BYTES;

  private static final int VECTOR_BYTES = Float.BYTES * WeightVector.LANES;

  /** Vectors: two numbers, two of their parts, two of what is left, and the bits of a part. */
  private static final int NUMBER = 16;

  private static final int PART = 18;
  private static final int REST = 20;
  private static final int STORED = 22;
  private static final int UPPER = 23;
  private static final int UPPER_BITS = 0xffff_0000;

  private final Routine routine;

  RowParts(CodeInstaller installer) {
    routine = installer.install(RowParts::code);
  }

  /**
   * Part p of group g of row r goes to {@code to + r toStride + (PARTS g + p) GROUP_BYTES}.
   *
   * @param rows address of the first row's first column
   * @param stride bytes from one row to the next
   * @param count of rows, at least 1
   * @param columns a multiple of {@link #COLUMNS}
   */
  public void split(long rows, long stride, int count, int columns, long to, long toStride) {
    routine.call(rows, stride, count, to, columns / COLUMNS, toStride);
  }

  /** RDI rows, RSI bytes from one to the next, RDX how many, RCX where they go, R8 groups of columns, R9 bytes from one row of parts to the next. */
  private static void code(Assembler code) {
    code.mov(RAX, UPPER_BITS);
    code.vpbroadcastd(UPPER, RAX);
    int nextRow = code.here();
    code.mov(R10, RDI);
    code.mov(R11, RCX);
    code.mov(RAX, R8);
    int next = code.here();
    group(code);
    code.add(R10, 2 * VECTOR_BYTES);
    code.add(R11, PARTS * GROUP_BYTES);
    code.dec(RAX);
    code.jnz(next);
    code.add(RDI, RSI);
    code.add(RCX, R9);
    code.dec(RDX);
    code.jnz(nextRow);
    code.vzeroupper();
    code.ret();
  }

  /** Where the first part is all of a number nothing is left, which keeps an infinity from being taken from itself. */
  private static void group(Assembler code) {
    for (int v = 0; v < 2; v++) {
      code.vmovups(NUMBER + v, Address.at(R10, v * VECTOR_BYTES));
      code.vpandd(PART + v, NUMBER + v, UPPER);
      code.vcmpneqps(1 + v, NUMBER + v, PART + v);
      code.vpxord(REST + v);
      code.vsubpsWithin(1 + v, REST + v, NUMBER + v, PART + v);
    }
    store(code, PART, Address.at(R11, 0));
    for (int v = 0; v < 2; v++) {
      code.vpandd(PART + v, REST + v, UPPER);
      code.vsubps(REST + v, REST + v, PART + v);
    }
    store(code, PART, Address.at(R11, GROUP_BYTES));
    store(code, REST, Address.at(R11, 2 * GROUP_BYTES));
  }

  /** Nothing is left to round. */
  private static void store(Assembler code, int part, Address to) {
    code.vcvtne2ps2bf16(STORED, part + 1, part);
    code.vmovups(to, STORED);
  }
}
