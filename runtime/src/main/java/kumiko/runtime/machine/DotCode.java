package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import kumiko.runtime.tensor.DType;

/**
 * Dot products of rows of weights with one row of float32, added to float32: RDI weights, RSI bytes from one row of weights to the next,
 * RDX rows, RCX the float32, R8 columns and in its upper half how many bytes ahead memory is asked for, R9 results.
 *
 * <p>One row after the other, from front to back, or from {@link #STREAMS} places at once: then there are so many times RDX rows, of which
 * the first RDX are those of the first place, and so on. Which of both is quicker depends on the processor: see {@link Ahead#rowStreams}.
 */
final class DotCode {
  /** Places to read from, if not one; the rows that are read together have a quarter of all rows between them. */
  static final int STREAMS = 4;

  /** Sums of a row, so that no multiplication waits for the one before. */
  private static final int SUMS = 4;

  private static final int GROUP = SUMS * WeightVector.LANES;
  private static final int WEIGHT = 16;
  private static final int FACTOR = 20;

  /** The vector that {@link #requests} may use. */
  private static final int FREE = 24;

  private static final int LINE_BYTES = 64;

  private static final int HALVES = 0x4e;
  private static final int NEIGHBOURS = 0xb1;

  private DotCode() {}

  /** @param streams 1 or {@link #STREAMS} */
  static void code(Assembler code, WeightVector type, Ahead ahead, int streams) {
    begin(code, streams);
    ColumnLoop.masks(code, SUMS, WeightVector.LANES);
    Pages pages = pages(ahead, streams, SUMS * type.bytes());
    int nextRow = row(code, streams, GROUP, pages, () -> group(code, type, ahead, streams), () -> rest(code, type, streams));
    for (int s = 0; s < streams && type == WeightVector.I8_ROWS; s++) {
      code.vmulss(sum(s), sum(s), weights(RDI, s).plus(-Float.BYTES));
    }
    addAndGoOn(code, streams, nextRow);
  }

  private static void group(Assembler code, WeightVector type, Ahead ahead, int streams) {
    Requests requests = requests(code, ahead, streams, SUMS * type.bytes(), type.type(), SUMS * streams);
    for (int i = 0; i < SUMS; i++) {
      Address factor = Address.at(R11, i * Float.BYTES * WeightVector.LANES);
      if (streams > 1) {
        code.vmovups(FACTOR, factor);
      }
      for (int s = 0; s < streams; s++) {
        int weight = WEIGHT + (streams == 1 ? i : s);
        requests.turn(i * streams + s);
        type.load(code, weight, 0, weights(R10, s).plus(i * type.bytes()));
        if (streams == 1) {
          code.vfmadd231ps(i, weight, factor);
        } else {
          code.vfmadd231ps(sum(s) + i, weight, FACTOR);
        }
      }
    }
    code.add(R10, SUMS * type.bytes());
    code.add(R11, Float.BYTES * GROUP);
  }

  private static void rest(Assembler code, WeightVector type, int streams) {
    for (int i = 0; i < SUMS; i++) {
      code.vmovups(FACTOR, 1 + i, Address.at(R11, i * Float.BYTES * WeightVector.LANES));
      for (int s = 0; s < streams; s++) {
        int weight = WEIGHT + s;
        type.load(code, weight, 1 + i, weights(R10, s).plus(i * type.bytes()));
        code.vfmadd231ps(sum(s) + i, weight, FACTOR);
      }
    }
  }

  /** The first sum of a place's row. */
  static int sum(int stream) {
    return stream * SUMS;
  }

  /** The row of a place, where {@code first} is that of the first. */
  static Address weights(Register first, int stream) {
    return switch (stream) {
      case 0 -> Address.at(first, 0);
      case 1 -> Address.at(first, R12, 1);
      case 2 -> Address.at(first, R12, 2);
      default -> Address.at(first, R13, 1);
    };
  }

  /**
   * One row of each place by {@link ColumnLoop}, whose parts add to {@link #SUMS} registers from {@link #sum} on; all lanes of the first become
   * their sum.
   *
   * @return for {@link #addAndGoOn}
   */
  static int row(Assembler code, int streams, int group, Pages pages, Runnable whole, Runnable rest) {
    int nextRow = code.here();
    for (int i = 0; i < streams * SUMS; i++) {
      code.vpxord(i);
    }
    ColumnLoop.emit(code, group, pages, whole, rest);
    for (int s = 0; s < streams; s++) {
      sumAll(code, sum(s));
    }
    return nextRow;
  }

  /**
   * Takes R8 apart: R8 columns, RBX how far ahead. Of several places R12 becomes the bytes from one to the next, R13 those to the third, and
   * RBX the bytes between their results.
   */
  static void begin(Assembler code, int streams) {
    code.push(RBX);
    takeApart(code, RBX);
    if (streams > 1) {
      code.push(R12);
      code.push(R13);
      code.mov(R12, RDX);
      code.imul(R12, RSI);
      code.lea(R13, Address.at(R12, R12, 2));
      code.mov(RBX, RDX);
      code.shl(RBX, Integer.numberOfTrailingZeros(Float.BYTES));
    }
  }

  /** R8 keeps its lower half; {@code upper} becomes what was in the other. */
  static void takeApart(Assembler code, Register upper) {
    code.mov(upper, R8);
    code.shr(upper, Integer.SIZE);
    code.shl(R8, Integer.SIZE);
    code.shr(R8, Integer.SIZE);
  }

  /** Those of weights from one place, of which a turn reads so many bytes. */
  static Pages pages(Ahead ahead, int streams, int bytes) {
    if (streams > 1 || ahead.pageBytes() == 0) {
      return Pages.NONE;
    }
    return new Pages(Pages.turns(bytes), code -> ahead.far(code, Address.at(R10, ahead.pageBytes())));
  }

  /** Requests for as many bytes ahead of each place, those of one place after those of another. */
  static Requests requests(Assembler code, Ahead ahead, int streams, int bytes, DType type, int turns) {
    int lines = Math.ceilDiv(bytes, LINE_BYTES);
    return new Requests(streams * lines, turns, i -> {
      int line = i % lines * LINE_BYTES;
      if (streams > 1) {
        ahead.soon(code, weights(R10, i / lines).plus(ahead.soonBytes() + line));
      } else {
        ahead.far(code, Address.at(R10, RBX, 1).plus(line));
        if (ahead.asksTwice(type)) {
          ahead.near(code, Address.at(R10, line), FREE);
        }
      }
    });
  }

  /** Register {@code first} becomes the sum of all lanes of as many registers as there are {@link #SUMS}, in every lane. */
  private static void sumAll(Assembler code, int first) {
    code.vaddps(first, first, first + 1);
    code.vaddps(first + 2, first + 2, first + 3);
    code.vaddps(first, first, first + 2);
    sumLanes(code, first);
  }

  /** Register {@code first} becomes the sum of its lanes, in every lane; the next is used. */
  static void sumLanes(Assembler code, int first) {
    int room = first + 1;
    for (int which : new int[]{HALVES, NEIGHBOURS}) {
      code.vshufi32x4(room, first, first, which);
      code.vaddps(first, first, room);
    }
    for (int which : new int[]{HALVES, NEIGHBOURS}) {
      code.vpshufd(room, first, which);
      code.vaddps(first, first, room);
    }
  }

  /** The results of a row of each place, and back for the next. */
  static void addAndGoOn(Assembler code, int streams, int nextRow) {
    code.mov(R10, R9);
    for (int s = 0; s < streams; s++) {
      Address result = Address.at(R10, 0);
      code.vaddss(sum(s), sum(s), result);
      code.vmovss(result, sum(s));
      if (s + 1 < streams) {
        code.add(R10, RBX);
      }
    }
    code.add(RDI, RSI);
    code.add(R9, Float.BYTES);
    code.dec(RDX);
    code.jnz(nextRow);
    if (streams > 1) {
      code.pop(R13);
      code.pop(R12);
    }
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }
}
