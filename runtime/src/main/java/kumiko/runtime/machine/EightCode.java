package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Dot products of rows of weights with eight other rows at once, added to rows of a tile: RDI weights, RSI bytes from one row of weights
 * to the next, RDX groups of rows of weights, RCX the other rows in pieces, R8 columns, R9 the tile's first eight lanes.
 * Where memory is asked for {@link Ahead#isInLine in line} the upper half of R8 is how far behind the first weight.
 *
 * <p>The rows of a group are neighbours, or from {@link #ROWS} places, of which the first RDX rows are those of the first place, and so on, or
 * each is alone: see {@link Way}. From places RSI is the bytes from one place to the next, and the upper half of R8 those from one row to the
 * next.
 */
final class EightCode {
  static final int EIGHT = 8;

  /** Most columns of a piece. */
  static final int MOST_COLUMNS = 1024;

  /** Rows of weights at once: their sums fill 24 of 32 registers. */
  static final int ROWS = 3;

  /** Vectors of columns in a turn of the loop. */
  private static final int VECTORS = 2;

  private static final int VECTOR_BYTES = 64;
  private static final int WEIGHT = 24;
  private static final int FACTOR = 30;
  private static final int FACTORS = 2;
  private static final int LINE_BYTES = 64;
  private static final Register[] SAVED = {RBX, R12, R13, R14};
  private static final int EVEN = 0x88;
  private static final int ODD = 0xdd;

  private EightCode() {}

  /** How weights meet one of the other rows. */
  interface Meeting {
    /** Columns of a vector. */
    int columns();

    /** Columns that the other rows have room for. */
    default int mostColumns() {
      return MOST_COLUMNS;
    }

    /** Columns of eight rows that still leave weights room in the nearest cache. */
    default int wholeColumns() {
      return mostColumns();
    }

    /** Bytes of the weights of {@link #VECTORS} vectors. */
    int turnBytes();

    /** Bytes of a row of weights. */
    default long bytes(int columns) {
      return (long) columns * turnBytes() / (VECTORS * (long) columns());
    }

    /**
     * {@link #VECTORS} vectors of weights; vectors 30 and 31 are free to use.
     *
     * @param firstMask weights outside of this mask and the next are not read and count as zero; 0 stands for all
     */
    void load(Assembler code, int target, int firstMask, Address weights);

    void multiply(Assembler code, int sum, int factor, int weight);

    /** Bytes from one of the other rows to the next; not a power of two, whose rows would share few lines of the nearest cache. */
    default int stride() {
      return mostColumns() / columns() * VECTOR_BYTES + VECTOR_BYTES;
    }

    /** Part of one of the other rows. */
    default void loadFactor(Assembler code, int target, int mask, Address row) {
      code.vmovups(target, mask, row);
    }
  }

  /** Weights of any type, widened, with float32. */
  record Singles(WeightVector type, int mostColumns, int wholeColumns) implements Meeting {
    /** Of {@code nearestCache} bytes the other rows may fill two thirds. */
    static int mostColumns(int nearestCache) {
      return EIGHT * MOST_COLUMNS * Float.BYTES <= nearestCache * 2 / 3 ? MOST_COLUMNS : MOST_COLUMNS / 2;
    }

    @Override
    public int columns() {
      return WeightVector.LANES;
    }

    @Override
    public int turnBytes() {
      return VECTORS * type.bytes();
    }

    @Override
    public void load(Assembler code, int target, int firstMask, Address weights) {
      for (int v = 0; v < VECTORS; v++) {
        type.load(code, target + v, firstMask == 0 ? 0 : firstMask + v, weights.plus(v * type.bytes()));
      }
    }

    @Override
    public void multiply(Assembler code, int sum, int factor, int weight) {
      code.vfmadd231ps(sum, factor, weight);
    }
  }

  /** bf16 with bf16, by {@code vdpbf16ps}. */
  record Pairs() implements Meeting {
    @Override
    public int columns() {
      return 2 * WeightVector.LANES;
    }

    @Override
    public int turnBytes() {
      return VECTORS * VECTOR_BYTES;
    }

    @Override
    public void load(Assembler code, int target, int firstMask, Address weights) {
      for (int v = 0; v < VECTORS; v++) {
        code.vmovdqu16(target + v, firstMask == 0 ? 0 : firstMask + v, weights.plus(v * VECTOR_BYTES));
      }
    }

    @Override
    public void loadFactor(Assembler code, int target, int mask, Address row) {
      code.vmovdqu16(target, mask, row);
    }

    @Override
    public void multiply(Assembler code, int sum, int factor, int weight) {
      code.vdpbf16ps(sum, factor, weight);
    }
  }

  /** Which rows of weights pass together. */
  enum Way {
    /** {@link #ROWS} neighbours. */
    NEIGHBOURS(ROWS, 1),
    /** As many from so many places. */
    PLACES(ROWS, 1),
    /** One that neighbours leave over, summed in the order of theirs. */
    LAST(1, 1),
    /** One after the other, with two sums for each of few other rows, so that no product waits for the one before. */
    ALONE(1, VECTORS);

    private final int rows;
    private final int sums;

    Way(int rows, int sums) {
      this.rows = rows;
      this.sums = sums;
    }

    /** The register of a sum. */
    private int sum(int row, int other, int vector) {
      return (row * sums + vector % sums) * EIGHT + other;
    }
  }

  /** @param others how many of the other rows there are: sums of what is missing stay zero */
  static void code(Assembler code, Meeting type, Way way, int others, Ahead ahead) {
    int rows = way.rows;
    boolean inPlaces = way == Way.PLACES;
    int group = VECTORS * type.columns();
    code.push(SAVED);
    if (inPlaces) {
      DotCode.takeApart(code, RBX);
      code.mov(R12, RDX);
      code.shl(R12, Integer.numberOfTrailingZeros(Eights.TILE_BYTES));
    } else if (ahead.isInLine()) {
      DotCode.takeApart(code, R12);
      code.add(R12, RDI);
    } else {
      code.lea(R12, Address.at(RSI, RSI, 4));
    }
    if (rows == 1) {
      code.mov(RBX, RSI);
    } else if (!inPlaces) {
      code.lea(RBX, Address.at(RSI, RSI, 2));
    }
    ColumnLoop.masks(code, VECTORS, type.columns());
    int nextRows = code.here();
    for (int i = 0; i < rows * way.sums * EIGHT; i++) {
      code.vpxord(i);
    }
    int piece = type.mostColumns();
    int gap = EIGHT * type.stride() - piece / type.columns() * VECTOR_BYTES;
    ColumnLoop.emitPieces(
        code, group, piece, gap, pages(type, way, ahead), () -> turn(code, type, way, others, ahead),
        () -> vectors(code, type, way, others, 1, Requests.NONE));
    for (int r = 0; r < others && way.sums > 1; r++) {
      code.vaddps(way.sum(0, r, 0), way.sum(0, r, 0), way.sum(0, r, 1));
    }
    for (int i = 0; i < rows; i++) {
      sum(code, i * EIGHT);
      // The upper eight lanes of the row are nobody's.
      Address result = inPlaces ? row(R9, i, R12) : Address.at(R9, i * Eights.TILE_BYTES);
      code.vmovups(FACTOR, result);
      code.vaddps(i * EIGHT, i * EIGHT, FACTOR);
      code.vmovups(result, i * EIGHT);
    }
    code.add(RDI, RBX);
    code.add(R9, inPlaces ? Eights.TILE_BYTES : rows * Eights.TILE_BYTES);
    code.dec(RDX);
    code.jnz(nextRows);
    code.pop(SAVED);
    code.vzeroupper();
    code.ret();
  }

  /** Those of neighbours, in the order they lie in, at R14. */
  private static Pages pages(Meeting type, Way way, Ahead ahead) {
    if (way == Way.PLACES || ahead.pageBytes() == 0) {
      return Pages.NONE;
    }
    int turnBytes = way.rows * type.turnBytes();
    int turns = Pages.turns(turnBytes);
    return new Pages(turns, code -> {
      code.lea(R14, Address.at(RDI, way.rows * ahead.pageBytes()));
      ahead.far(code, Address.at(R14, 0));
    }, code -> {
      code.add(R14, turns * turnBytes);
      ahead.far(code, Address.at(R14, 0));
    });
  }

  private static void turn(Assembler code, Meeting type, Way way, int others, Ahead ahead) {
    vectors(code, type, way, others, 0, requests(code, type, way, others, ahead));
    if (way != Way.PLACES && ahead.isInLine()) {
      code.add(R12, way.rows * type.turnBytes());
    }
    code.add(R10, type.turnBytes());
    code.add(R11, VECTORS * VECTOR_BYTES);
  }

  /** For as many bytes of each row. */
  private static Requests requests(Assembler code, Meeting type, Way way, int others, Ahead ahead) {
    int lines = type.turnBytes() / LINE_BYTES;
    return new Requests(way.rows * lines, VECTORS * others, i -> {
      if (way == Way.PLACES) {
        ahead.soon(code, row(R10, i / lines, RSI).plus(ahead.soonBytes() + i % lines * LINE_BYTES));
        return;
      }
      Address line = ahead.isInLine() ? Address.at(R12, i * LINE_BYTES) : nextRow(i / lines).plus(i % lines * LINE_BYTES);
      ahead.far(code, line);
    });
  }

  private static void vectors(Assembler code, Meeting type, Way way, int others, int firstMask, Requests requests) {
    for (int i = 0; i < way.rows; i++) {
      type.load(code, WEIGHT + i * VECTORS, firstMask, row(R10, i, RSI));
    }
    for (int v = 0; v < VECTORS; v++) {
      for (int r = 0; r < others; r++) {
        int factor = FACTOR + r % FACTORS;
        requests.turn(v * others + r);
        int mask = firstMask == 0 ? 0 : firstMask + v;
        type.loadFactor(code, factor, mask, Address.at(R11, r * type.stride() + v * VECTOR_BYTES));
        for (int i = 0; i < way.rows; i++) {
          type.multiply(code, way.sum(i, r, v), factor, WEIGHT + i * VECTORS + v);
        }
      }
    }
  }

  private static Address row(Register first, int i, Register distance) {
    return i == 0 ? Address.at(first, 0) : Address.at(first, distance, i);
  }

  /** The row of the next group. */
  private static Address nextRow(int i) {
    return switch (i) {
      case 0 -> Address.at(R10, RBX, 1);
      case 1 -> Address.at(R10, RSI, 4);
      default -> Address.at(R10, R12, 1);
    };
  }

  /** Lane r of register {@code first} becomes the sum of the lanes of register {@code first + r}, r below 8; 30 and 31 are used. */
  private static void sum(Assembler code, int first) {
    for (int i = 0; i < EIGHT; i += 2) {
      code.vpunpckldq(FACTOR, first + i, first + i + 1);
      code.vpunpckhdq(FACTOR + 1, first + i, first + i + 1);
      code.vaddps(first + i, FACTOR, FACTOR + 1);
    }
    for (int i = 0; i < EIGHT; i += 4) {
      code.vpunpcklqdq(FACTOR, first + i, first + i + 2);
      code.vpunpckhqdq(FACTOR + 1, first + i, first + i + 2);
      code.vaddps(first + i, FACTOR, FACTOR + 1);
    }
    code.vshufi32x4(FACTOR, first, first + 4, EVEN);
    code.vshufi32x4(FACTOR + 1, first, first + 4, ODD);
    code.vaddps(first, FACTOR, FACTOR + 1);
    code.vshufi32x4(FACTOR, first, first, EVEN);
    code.vshufi32x4(FACTOR + 1, first, first, ODD);
    code.vaddps(first, FACTOR, FACTOR + 1);
  }
}
