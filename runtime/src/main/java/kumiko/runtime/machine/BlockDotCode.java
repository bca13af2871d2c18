package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R12;
import static kumiko.runtime.machine.Register.R13;
import static kumiko.runtime.machine.Register.R14;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

/**
 * Dot products of few rows of float32 with weights in tiles: RDI tiles, RSI tiles of 32 rows of weights, RDX how often 32 rows, RCX what {@link
 * BlockPackCode} made of the float32, R8 results: of each 32 rows of weights those of each row of float32.
 *
 * <p>Tiles are met one after the other, or from {@link DotCode#STREAMS} places at once, as {@link DotCode} does rows.
 *
 * <p>Every digit of the numbers has a sum of its own over a block, exact, as they begin with what takes the weights' excess away. The sums
 * of all blocks so far are the results in memory: they leave the registers to the digits, and are needed a whole block later.
 */
final class BlockDotCode {
  private static final int VECTOR_BYTES = 64;
  private static final int LINE_BYTES = 64;

  /** Sums from 0, up to two vectors of weights from 24; then one register each. */
  private static final int WEIGHT = 24;

  private static final int SCALE = 28;
  private static final int RESULT = 29;
  private static final int DIGIT = 30;
  private static final int MASK = 31;

  private final Assembler code;
  private final WeightBlock type;
  private final int digits;
  private final int rows;
  private final Ahead ahead;
  private final int streams;

  private BlockDotCode(Assembler code, WeightBlock type, int digits, int rows, Ahead ahead, int streams) {
    this.code = code;
    this.type = type;
    this.digits = digits;
    this.rows = rows;
    this.ahead = ahead;
    this.streams = streams;
  }

  /**
   * @param rows of float32, 1 to 8
   * @param streams 1, or for one row of float32 {@link DotCode#STREAMS}
   */
  static void code(Assembler code, WeightBlock type, int digits, int rows, Ahead ahead, int streams) {
    new BlockDotCode(code, type, digits, rows, ahead, streams).emit();
  }

  private void emit() {
    if (streams > 1) {
      begin();
    }
    code.mov(RAX, 0x0f0f_0f0f);
    code.vpbroadcastd(MASK, RAX);
    code.mov(RAX, Float.floatToRawIntBits(1 << Byte.SIZE));
    code.vpbroadcastd(DIGIT, RAX);
    int nextRows = code.here();
    code.vpxord(0);
    for (int s = 0; s < streams; s++) {
      for (int i = 0; i < rows * WeightBlock.HALVES; i++) {
        code.vmovups(results(s).plus(i * VECTOR_BYTES), 0);
      }
    }
    code.mov(R10, RCX);
    code.mov(RAX, RSI);
    int nextTile = code.here();
    for (int s = 0; s < streams; s++) {
      tile(s);
    }
    code.add(RDI, type.tileBytes());
    code.add(R10, rows * BlockPackCode.bytes(digits));
    code.dec(RAX);
    code.jnz(nextTile);
    code.add(R8, rows * WeightBlock.HALVES * VECTOR_BYTES);
    code.dec(RDX);
    code.jnz(nextRows);
    if (streams > 1) {
      code.pop(R14);
      code.pop(R13);
      code.pop(R12);
      code.pop(RBX);
    }
    code.vzeroupper();
    code.ret();
  }

  /** R12 and R13 become what {@link DotCode#weights} asks for, RBX and R14 likewise the bytes to the results of the next place and the third. */
  private void begin() {
    code.push(RBX);
    code.push(R12);
    code.push(R13);
    code.push(R14);
    code.mov(R12, RDX);
    code.imul(R12, RSI);
    code.mov(RAX, type.tileBytes());
    code.imul(R12, RAX);
    code.lea(R13, Address.at(R12, R12, 2));
    code.mov(RBX, RDX);
    code.shl(RBX, Integer.numberOfTrailingZeros(WeightBlock.HALVES * VECTOR_BYTES));
    code.lea(R14, Address.at(RBX, RBX, 2));
  }

  private Address results(int stream) {
    return switch (stream) {
      case 0 -> Address.at(R8, 0);
      case 1 -> Address.at(R8, RBX, 1);
      case 2 -> Address.at(R8, RBX, 2);
      default -> Address.at(R8, R14, 1);
    };
  }

  private void tile(int stream) {
    Address tile = DotCode.weights(RDI, stream);
    Requests requests = requests(tile);
    for (int half = 0; half < WeightBlock.HALVES; half++) {
      multiply(tile, half, requests);
      for (int row = 0; row < rows; row++) {
        addTo(tile, results(stream).plus((row * WeightBlock.HALVES + half) * VECTOR_BYTES), row, half);
      }
    }
  }

  private int sum(int row, int digit) {
    return row * digits + digit;
  }

  private Address packed(int row, int at) {
    return Address.at(R10, row * BlockPackCode.bytes(digits) + at);
  }

  private void multiply(Address tile, int half, Requests requests) {
    for (int row = 0; row < rows; row++) {
      for (int d = 0; d < digits; d++) {
        code.vpbroadcastd(sum(row, d), packed(row, BlockPackCode.excessAt(digits, d)));
      }
    }
    for (int step = 0; step < type.steps(); step++) {
      requests.turn(half * type.steps() + step);
      load(tile, half, step);
      for (int part = 0; part < type.parts(); part++) {
        for (int d = 0; d < digits; d++) {
          int at = BlockPackCode.digitsAt(d) + type.column(step, part);
          for (int row = 0; row < rows; row++) {
            code.vpdpbusdEach(sum(row, d), WEIGHT + part, packed(row, at));
          }
        }
      }
    }
  }

  private Requests requests(Address tile) {
    return new Requests(type.tileBytes() / LINE_BYTES, WeightBlock.HALVES * type.steps(), i -> {
      Address line = tile.plus(i * LINE_BYTES);
      if (streams > 1) {
        ahead.soon(code, line.plus(ahead.soonBytes()));
      } else {
        ahead.far(code, line.plus(ahead.tileBytes(rows)));
        ahead.near(code, line, RESULT);
      }
    });
  }

  private void load(Address tile, int half, int step) {
    code.vmovups(WEIGHT, WeightBlock.weights(tile, half, step));
    if (type.parts() > 1) {
      code.vpsrlw(WEIGHT + 1, WEIGHT, type.bits());
      code.vpandd(WEIGHT, WEIGHT, MASK);
      code.vpandd(WEIGHT + 1, WEIGHT + 1, MASK);
    }
  }

  /** The digits of a row, put together, times both units. */
  private void addTo(Address tile, Address result, int row, int half) {
    int sum = sum(row, 0);
    code.vcvtph2ps(SCALE, 0, WeightBlock.scales(tile, half));
    code.vmulpsEach(SCALE, SCALE, packed(row, BlockPackCode.unitAt(digits)));
    code.vcvtdq2ps(sum, sum);
    for (int d = 1; d < digits; d++) {
      code.vcvtdq2ps(sum + d, sum + d);
      code.vfmadd213ps(sum, DIGIT, sum + d);
    }
    code.vmovups(RESULT, result);
    code.vfmadd231ps(RESULT, sum, SCALE);
    code.vmovups(result, RESULT);
  }
}
