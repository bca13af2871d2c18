package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;

/**
 * Brings weights into panels of {@link TileRows} as sums of numbers of bf16 (AVX512F, AVX512BW): the nearest to each, the nearest to what is
 * left, and that. They are the weight, bit for bit, but for an infinity and for what is above 3.39e38, which come to no number.
 */
public final class WeightParts {
  /** Types of which rows and columns are read; tiles of blocks besides. */
  private static final List<WeightVector> TYPES = List.of(WeightVector.F32, WeightVector.F16);

  private final Map<DType, Routine> rows = new EnumMap<>(DType.class);
  private final Map<DType, Routine> columns = new EnumMap<>(DType.class);
  private final Map<DType, Routine> blocks = new EnumMap<>(DType.class);

  WeightParts(CodeInstaller installer) {
    for (WeightVector type : TYPES) {
      rows.put(type.type(), installer.install(code -> rowsCode(code, type)));
      columns.put(type.type(), installer.install(code -> columnsCode(code, type)));
    }
    for (WeightBlock type : WeightBlock.values()) {
      int parts = TileParts.ofFloats(type.type()).ofWeight();
      blocks.put(type.type(), installer.install(code -> BlockWidenCode.code(code, type, PanelElement.PAIR, parts)));
    }
  }

  /** Whether rows and columns of this type are taken apart here, or tiles of blocks. */
  public boolean reads(DType type) {
    return rows.containsKey(type) || blocks.containsKey(type);
  }

  /**
   * Sixteen rows of weights into one strip of a panel.
   *
   * @param table address of sixteen addresses of rows
   * @param from bytes from the beginning of each row to its first column
   * @param steps of {@value TileRows#STEP} columns
   * @param strip address of the strip in the panel
   */
  public void packRows(DType type, long table, long from, int steps, long strip) {
    rows.get(type).call(table, from, strip, steps, 0, 0);
  }

  /**
   * Columns into a whole panel: lane i of column k is the weight i behind {@code columns + k * stride}. Lanes past the last become zero.
   *
   * @param lanes at least 1
   */
  public void packColumns(DType type, long first, long stride, int steps, int lanes, long panel) {
    columns.get(type).call(first, stride, panel, steps, (1L << lanes) - 1, 0);
  }

  /** The 32 rows of neighbouring tiles into a whole panel. */
  public void packBlocks(DType type, long tiles, int count, long panel) {
    blocks.get(type).call(tiles, (long) count * TileRows.STEP / BlockTile.COLUMNS, panel, TileRows.SUM_BYTES, 0, 0);
  }

  private static int parts(WeightVector type) {
    return TileParts.ofFloats(type.type()).ofWeight();
  }

  /** RDI table, RSI from, RDX strip, RCX steps. */
  static void rowsCode(Assembler code, WeightVector type) {
    int parts = parts(type);
    int top = code.here();
    for (int half = 0; half < 2; half++) {
      for (int i = 0; i < PanelLayout.STRIP; i++) {
        code.mov(RAX, Address.at(RDI, 8 * i));
        type.load(code, i, 0, Address.at(RAX, RSI, 1).plus(half * type.bytes()));
      }
      SquareTurn.emit(code);
      PartCode.constants(code);
      for (int pair = 0; pair < PanelLayout.STRIP / 2; pair++) {
        int place = (half * PanelLayout.STRIP / 2 + pair) * TileRows.SUM_BYTES;
        PartCode.emit(code, 2 * pair, parts, Address.at(RDX, place));
      }
    }
    code.add(RSI, 2 * type.bytes());
    code.add(RDX, parts * PartCode.APART);
    code.dec(RCX);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
  }

  /** RDI first column, RSI stride, RDX panel, RCX steps, R8 the lanes that there are, as bits; R9 pairs of a step. */
  static void columnsCode(Assembler code, WeightVector type) {
    int parts = parts(type);
    code.kmovw(1, R8);
    code.shr(R8, PanelLayout.STRIP);
    code.kmovw(2, R8);
    PartCode.constants(code);
    int top = code.here();
    code.mov(R10, RDX);
    code.mov(R9, TileRows.STEP / 2);
    int next = code.here();
    for (int s = 0; s < TileRows.STRIPS; s++) {
      for (int column = 0; column < 2; column++) {
        Address at = column == 0 ? Address.at(RDI, 0) : Address.at(RDI, RSI, 1);
        type.load(code, column, 1 + s, at.plus(s * type.bytes()));
      }
      PartCode.emit(code, 0, parts, Address.at(R10, s * PanelLayout.STRIP_BYTES));
    }
    code.lea(RDI, Address.at(RDI, RSI, 2));
    code.add(R10, TileRows.SUM_BYTES);
    code.dec(R9);
    code.jnz(next);
    code.add(RDX, parts * PartCode.APART);
    code.dec(RCX);
    code.jnz(top);
    code.vzeroupper();
    code.ret();
  }
}
