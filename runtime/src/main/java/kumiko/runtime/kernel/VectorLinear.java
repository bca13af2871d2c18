package kumiko.runtime.kernel;

import java.util.List;
import kumiko.runtime.machine.BfloatDots;
import kumiko.runtime.machine.BlockProduct;
import kumiko.runtime.machine.FloatProducts;
import kumiko.runtime.machine.MachineCode;
import kumiko.runtime.machine.PairProducts;
import kumiko.runtime.machine.RowFunctions;
import kumiko.runtime.machine.TileRows;
import kumiko.runtime.tensor.BlockTile;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * {@link Kernels#linear}: results begin with the bias and every slab of the weight adds its part, so row ranges, column parts and sums
 * need no case of their own.
 */
final class VectorLinear {
  /** Null where only the Vector API computes, and so are the others. */
  private final StoredRow one;

  private final StoredEights few;

  /** Null where the processor has not what it needs. */
  private final StoredBlocks blocks;

  private final PanelGemm gemm;

  /** Null where the processor has none. */
  private final FloatTiles tiles;

  private final RowFunctions functions;

  VectorLinear(MachineCode code, Arithmetic arithmetic) {
    FloatProducts products = code.floats().orNull();
    one = products == null ? null : new StoredRow(products.stored(), dots(code, products, arithmetic));
    few = products == null ? null : new StoredEights(products);
    blocks = products == null ? null : blocks(products, arithmetic);
    gemm = products == null ? null : new PanelGemm(new PanelOperands.Singles(products));
    tiles = products == null ? null : tiles(code.pairs().orNull());
    functions = products == null ? null : products.rows();
  }

  private static FloatTiles tiles(PairProducts pairs) {
    TileRows many = pairs == null ? null : pairs.product().manyRows();
    return many == null ? null : new FloatTiles(pairs, many);
  }

  private static BfloatDots dots(MachineCode code, FloatProducts products, Arithmetic arithmetic) {
    PairProducts pairs = arithmetic == Arithmetic.BFLOAT16 ? code.pairs().orNull() : null;
    return pairs == null ? products.dots() : pairs.dots();
  }

  private static StoredBlocks blocks(FloatProducts products, Arithmetic arithmetic) {
    BlockProduct product = arithmetic == Arithmetic.BFLOAT16 ? products.roughBlocks() : products.blocks();
    return product == null ? null : new StoredBlocks(product, products.rows());
  }

  /** Scratch of {@link #linear} for up to {@code rows} rows. */
  long scratchBytes(Matrix weight, int rows) {
    if (few == null) {
      return 0;
    }
    long parts = tiles == null || rows == 1 ? 0 : tiles.scratchBytes();
    if (BlockTile.holds(weight.dtype())) {
      long some = Math.max(parts, blocks == null ? 0 : blocks.scratchBytes(rows, weight.columns()));
      return rows == 1 ? some : Math.max(some, gemm.scratchBytes(rows));
    }
    long row = Math.max(parts, one.scratchBytes(weight.dtype(), weight.columns()));
    return rows == 1 ? row : Math.max(row, Math.max(few.scratchBytes(rows, weight.columns()), gemm.scratchBytes(rows)));
  }

  /** What is to be said of them beside the other products; empty where there are none. */
  String describeTiles() {
    return tiles == null ? "" : " and, of rows in parts of bf16, " + tiles.instructions();
  }

  /** See {@link Kernels#bf16Products}. */
  int bf16Products(Matrix weight, int rows) {
    return takesTiles(weight, rows) ? tiles.products(weight, rows) : 0;
  }

  /** See {@link Kernels#prepares}. */
  boolean prepares(Matrix weight, int rows) {
    DType type = weight.dtype();
    if (takesTiles(weight, rows)) {
      return true;
    }
    if (BlockTile.holds(type)) {
      return blocks != null && rows <= StoredBlocks.MOST_ROWS && StoredBlocks.readsAll(weight);
    }
    if (gemm == null || !SlabRows.readsAll(weight)) {
      return false;
    }
    return rows == 1 ? one.packs(type) : rows <= StoredEights.MOST_ROWS || PanelGemm.prepares(rows);
  }

  /** See {@link Kernels#preparedBytes}. */
  long preparedBytes(Matrix weight, int rows) {
    DType type = weight.dtype();
    long parts = tiles == null ? 0 : tiles.preparedBytes(weight, rows);
    if (BlockTile.holds(type)) {
      return Math.max(parts, prepares(weight, 1) ? blocks.packedBytes(rows, weight.columns()) : 0);
    }
    if (gemm == null || !SlabRows.readsAll(weight)) {
      return parts;
    }
    long single = Math.max(parts, one.packs(type) ? one.packedBytes(weight.columns()) : 0);
    long some = rows == 1 ? single : Math.max(single, few.packedBytes(Math.min(rows, StoredEights.MOST_ROWS), weight.columns()));
    return PanelGemm.prepares(rows) ? Math.max(some, gemm.preparedBytes(rows, weight.columns())) : some;
  }

  void prepare(Matrix weight, Rows x, int rows, long prepared, int from, int to) {
    DType type = weight.dtype();
    if (takesTiles(weight, rows)) {
      tiles.prepare(weight, x, rows, prepared, from, to);
    } else if (BlockTile.holds(type)) {
      blocks.pack(type, x, 0, x.width(), rows, prepared, from, to);
    } else if (rows == 1) {
      one.pack(address(x, 0, 0), x.width(), prepared);
    } else if (rows <= StoredEights.MOST_ROWS) {
      few.pack(x, 0, x.width(), rows, prepared, from, to);
    } else {
      gemm.prepare(x, rows, prepared, from, to);
    }
  }

  /** @param prepared address of what {@link #prepare} made, or 0 */
  void linear(
      Matrix weight,
      Rows bias,
      Rows x,
      Rows y,
      int rows,
      int from,
      int to,
      boolean accumulate,
      ScalarLinear scalar,
      long prepared,
      long scratch) {
    if (from >= to) {
      return;
    }
    boolean byTiles = prepared != 0 && takesTiles(weight, rows);
    if (!byTiles || !tiles.begins(weight, rows)) {
      begin(bias, y, rows, from, to, accumulate);
    }
    if (byTiles) {
      tiles.multiply(weight, bias, prepared, y, rows, from, to, accumulate, scratch);
      return;
    }
    Format format = Format.of(weight.dtype());
    List<Slab> slabs = weight.slabs();
    for (int s = 0; s < slabs.size();) {
      Slab slab = slabs.get(s);
      int first = SlabRows.first(slab, from);
      int end = SlabRows.end(slab, to);
      int next = s + 1;
      if (format != null && format.reads(slab) && goesToGemm(weight.dtype(), slab, rows)) {
        next = SlabRows.together(format, slabs, s);
        gemm.multiply(weight, s, next, x, y, rows, from, to, prepared, scratch);
      } else if (rows == 1 && isReadAsStored(format, slab, weight.dtype())) {
        next = SlabRows.together(format, slabs, s);
        one.multiply(weight.dtype(), slabs, s, next, x, y, from, to, prepared, scratch);
      } else if (first < end) {
        add(weight.dtype(), format, slab, x, y, rows, first, end, scalar, prepared, scratch);
      }
      s = next;
    }
  }

  private boolean takesTiles(Matrix weight, int rows) {
    return tiles != null && tiles.takes(weight, rows);
  }

  private boolean goesToGemm(DType type, Slab slab, int rows) {
    if (BlockTile.holds(type)) {
      return gemm != null && rows > (blocks == null ? 1 : StoredBlocks.MOST_ROWS);
    }
    if (gemm == null || (rows == 1 && !one.reads(type))) {
      return false;
    }
    if (slab.columnStride() == 1) {
      return rows > StoredEights.MOST_ROWS;
    }
    return slab.rowStep() != 1 || (rows > 1 && !few.readsColumns(type, rows));
  }

  /** Whether so many rows, several but few, meet all of the weight as it lies in columns. */
  boolean addsByColumns(Matrix weight, int rows) {
    return few != null && few.readsColumns(weight.dtype(), rows) && liesInColumns(weight.slabs());
  }

  private static boolean liesInColumns(List<Slab> slabs) {
    for (int s = 0; s < slabs.size(); s++) {
      if (slabs.get(s).columnStride() == 1 || slabs.get(s).rowStep() != 1 || slabs.get(s).rowStride() != 1) {
        return false;
      }
    }
    return true;
  }

  /** Whether one row meets these rows of weights by {@link StoredRow}. */
  private boolean isReadAsStored(Format format, Slab slab, DType type) {
    return one != null && one.reads(type) && format != null && format.reads(slab) && SlabRows.isInRows(format, slab);
  }

  private void add(
      DType type, Format format, Slab slab, Rows x, Rows y, int rows, int first, int end, ScalarLinear scalar, long prepared,
      long scratch) {
    if (format == null || !format.reads(slab)) {
      scalar.addSlab(type, slab, x, y, rows, first, end);
    } else if (BlockTile.holds(type)) {
      addBlocks(type, format, slab, x, y, rows, first, end, scalar, prepared, scratch);
    } else if (few != null && rows > 1) {
      if (slab.columnStride() == 1) {
        few.multiply(type, slab, x, y, rows, first, end, prepared, scratch);
      } else {
        few.multiplyByColumns(type, slab, x, y, rows, first, end, scratch);
      }
    } else if (one != null && one.reads(type)) {
      one.multiplyByColumns(type, slab, x, y, first, end);
    } else if (!VectorApi.IS_THERE) {
      scalar.addSlab(type, slab, x, y, rows, first, end);
    } else if (rows >= VectorGemm.LEAST_ROWS) {
      VectorGemm.multiply(format.packer(), slab, x, y, rows, first, end);
    } else {
      addFew(type, format, slab, x, y, rows, first, end, scalar);
    }
  }

  private void addBlocks(
      DType type, Format format, Slab slab, Rows x, Rows y, int rows, int first, int end, ScalarLinear scalar, long prepared,
      long scratch) {
    if (blocks != null) {
      blocks.multiply(type, slab, x, y, rows, first, end, prepared, scratch);
    } else if (!VectorApi.IS_THERE) {
      scalar.addSlab(type, slab, x, y, rows, first, end);
    } else if (rows >= VectorGemm.LEAST_ROWS) {
      VectorGemm.multiply(format.packer(), slab, x, y, rows, first, end);
    } else {
      VectorBlocks.multiply(type, slab, x, y, rows, first, end);
    }
  }

  private static void addFew(DType type, Format format, Slab slab, Rows x, Rows y, int rows, int first, int end, ScalarLinear scalar) {
    if (slab.columnStride() == 1) {
      VectorDots.rowMajor(format, slab, x, y, rows, first, end);
    } else if (slab.rowStep() == 1) {
      VectorDots.columnMajor(format, slab, x, y, rows, first, end);
    } else {
      scalar.addSlab(type, slab, x, y, rows, first, end);
    }
  }

  /** What products are added to. */
  void begin(Rows bias, Rows y, int rows, int from, int to, boolean accumulate) {
    if ((accumulate && bias == null) || from >= to) {
      return;
    }
    if (functions != null && bias != null) {
      for (int r = 0; r < rows; r++) {
        if (accumulate) {
          functions.add(1, address(bias, 0, from), address(y, r, from), address(y, r, from), to - from);
        } else {
          Memory.move(address(bias, 0, from), address(y, r, from), to - from);
        }
      }
      return;
    }
    if (bias == null) {
      for (int r = 0; r < rows; r++) {
        Memory.clear(address(y, r, from), 4L * (to - from));
      }
      return;
    }
    float[] start = Desk.ofThread().weights(to - from);
    Memory.read(address(bias, 0, from), start, 0, to - from);
    for (int r = 0; r < rows; r++) {
      if (accumulate) {
        VectorElements.addArray(start, 0, address(y, r, from), to - from);
      } else {
        Memory.write(start, 0, address(y, r, from), to - from);
      }
    }
  }

  static long address(Rows rows, int row, int column) {
    return rows.data().address() + 4 * (rows.offset() + (long) row * rows.stride() + column);
  }
}
