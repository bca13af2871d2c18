package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import kumiko.runtime.tensor.BlockTile;

/**
 * {@link BlockProduct} in the 16 registers of AVX2, in float32: RDI tiles, RSI blocks of columns, RDX rows of tiles, RCX packed, R8 results.
 * A register has one column of eight neighbouring rows of weights, each as a number without its scale; sums of a block meet the scales.
 */
final class BlockHalvesCode {
  /** Bytes of a block of one packed row. */
  static final int BYTES = BlockTile.COLUMNS * Float.BYTES;

  private static final int LANES = 8;
  private static final int HALF_BYTES = LANES * Float.BYTES;

  /** Registers with eight rows of weights in a tile. */
  private static final int EIGHTS = BlockTile.ROWS / LANES;

  /** Sums are the registers before it. */
  private static final int STORED = 8;

  private static final int WEIGHT = 12;
  private static final int FACTOR = 13;
  private static final int SIGN = 14;
  private static final int SCALE = 15;

  private final Assembler code;
  private final WeightBlock type;
  private final int rows;
  private final Ahead ahead;

  /** Eights of rows of weights at once: with all rows of float32 they have eight sums, or four of even columns and four of odd ones. */
  private final int eights;

  private BlockHalvesCode(Assembler code, WeightBlock type, int rows, Ahead ahead) {
    this.code = code;
    this.type = type;
    this.rows = rows;
    this.ahead = ahead;
    eights = Math.min(EIGHTS, STORED / rows);
  }

  /** @param rows of float32: 1, 4 or 8 */
  static void code(Assembler code, WeightBlock type, int rows, Ahead ahead) {
    new BlockHalvesCode(code, type, rows, ahead).emit();
  }

  /** Blocks of a row: RDI x, RSI blocks, RCX where they go, R8 bytes from one of them there to the next. */
  static void packCode(Assembler code) {
    int next = code.here();
    for (int i = 0; i < BlockTile.COLUMNS / LANES; i++) {
      code.loadHalf(i, Address.at(RDI, i * HALF_BYTES));
      code.storeHalf(Address.at(RCX, i * HALF_BYTES), i);
    }
    code.add(RDI, BYTES);
    code.add(RCX, R8);
    code.dec(RSI);
    code.jnz(next);
    code.vzeroupper();
    code.ret();
  }

  private void emit() {
    // In two's complement a weight lacks only its sign.
    code.mov(RAX, type.excess() * (type.parts() == 1 ? 0x0101_0101 : 0x1111_1111));
    code.loadOne(SIGN, RAX);
    code.broadcastHalf(SIGN, SIGN);
    int nextRows = code.here();
    code.clearHalf(0);
    for (int i = 0; i < rows * EIGHTS; i++) {
      code.storeHalf(Address.at(R8, i * HALF_BYTES), 0);
    }
    code.mov(R10, RCX);
    code.mov(RAX, RSI);
    int nextTile = code.here();
    if (eights == EIGHTS) {
      code.mov(R11, 0);
      some();
    } else {
      code.mov(R11, 0);
      code.push(RAX);
      code.mov(RAX, EIGHTS / eights);
      int nextEights = code.here();
      some();
      code.add(R11, eights * LANES * Short.BYTES);
      code.dec(RAX);
      code.jnz(nextEights);
      code.pop(RAX);
    }
    code.add(RDI, type.tileBytes());
    code.add(R10, rows * BYTES);
    code.dec(RAX);
    code.jnz(nextTile);
    code.add(R8, rows * EIGHTS * HALF_BYTES);
    code.dec(RDX);
    code.jnz(nextRows);
    code.vzeroupper();
    code.ret();
  }

  /** A tile's rows from those on whose scales are R11 bytes behind the first. */
  private void some() {
    for (int i = 0; i < STORED; i++) {
      code.clearHalf(i);
    }
    for (int step = 0; step < type.steps(); step++) {
      Address stored = Address.at(RDI, R11, 2).plus(BlockTile.SCALE_BYTES + step * BlockTile.STEP_BYTES);
      for (int line = 0; line < eights * HALF_BYTES; line += 2 * HALF_BYTES) {
        ahead.far(code, stored.plus(ahead.tileBytes(rows) + line));
      }
      for (int i = 0; i < eights; i++) {
        code.xorHalf(STORED + i, SIGN, stored.plus(i * HALF_BYTES));
      }
      for (int part = 0; part < type.parts(); part++) {
        for (int i = 0; i < Integer.BYTES; i++) {
          column(type.column(step, part) + i, Integer.SIZE - (i * Byte.SIZE + (part + 1) * type.bits()));
        }
      }
    }
    for (int i = 0; i < eights; i++) {
      code.convertHalf(SCALE, Address.at(RDI, R11, 1).plus(i * LANES * Short.BYTES));
      for (int r = 0; r < rows; r++) {
        if (rows == 1) {
          code.addHalf(sum(r, i), sum(r, i) + EIGHTS);
        }
        Address result = Address.at(R8, R11, 2).plus((r * EIGHTS + i) * HALF_BYTES);
        code.loadHalf(FACTOR, result);
        code.multiplyHalf(FACTOR, SCALE, sum(r, i));
        code.storeHalf(result, FACTOR);
      }
    }
  }

  private int sum(int row, int eight) {
    return row * eights + eight;
  }

  /** @param left bits above the column's in a weight's 32 */
  private void column(int k, int left) {
    if (rows == 1) {
      code.broadcastHalf(FACTOR, Address.at(R10, k * Float.BYTES));
    }
    for (int i = 0; i < eights; i++) {
      code.shiftLeftHalf(WEIGHT, STORED + i, left);
      code.shiftRightHalf(WEIGHT, Integer.SIZE - type.bits());
      code.numbersHalf(WEIGHT);
      if (rows == 1) {
        code.multiplyHalf(sum(0, i) + k % 2 * EIGHTS, WEIGHT, FACTOR);
        continue;
      }
      for (int r = 0; r < rows; r++) {
        code.broadcastHalf(FACTOR, Address.at(R10, r * BYTES + k * Float.BYTES));
        code.multiplyHalf(sum(r, i), WEIGHT, FACTOR);
      }
    }
  }
}
