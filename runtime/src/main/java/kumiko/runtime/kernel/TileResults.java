package kumiko.runtime.kernel;

import kumiko.runtime.machine.PanelLayout;
import kumiko.runtime.machine.PanelMoves;

/**
 * Adds the results in a tile to rows of y. A row of the tile is one of what passed by, a lane one of what was packed; {@code step} is the
 * distance of two neighbouring results in a row of y, see {@link kumiko.runtime.tensor.Slab#rowStep}.
 *
 * @param rowBytes from one row of the tile to the next
 */
record TileResults(PanelMoves moves, int rowBytes) {
  /**
   * {@code y[lane, i step] += tile[i, lane]}.
   *
   * @param count rows of the tile
   * @param y address of the first lane's first result
   * @param stride bytes from one lane's results to the next's
   */
  void addTurned(long tile, int count, int lanes, long y, long stride, int step) {
    if (step > 2) {
      for (int lane = 0; lane < lanes; lane++) {
        for (int i = 0; i < count; i++) {
          addOne(tile, i, lane, y + lane * stride + 4L * i * step);
        }
      }
      return;
    }
    for (int s = 0; s < lanes; s += PanelLayout.STRIP) {
      int some = Math.min(PanelLayout.STRIP, lanes - s);
      for (int i = 0; i < count; i += PanelLayout.STRIP) {
        int columns = Math.min(PanelLayout.STRIP, count - i);
        long from = tile + (long) i * rowBytes + 4L * s;
        long to = y + s * stride + 4L * i * step;
        if (step == 1) {
          moves.add(from, rowBytes, to, stride, some, columns);
        } else {
          moves.addToEverySecond(from, rowBytes, to, stride, some, columns);
        }
      }
    }
  }

  /** {@code y[i, lane step] += tile[i, lane]} of a tile like that of {@link PanelLayout}; the rest as in {@link #addTurned}. */
  void addStraight(long tile, int count, int lanes, long y, long stride, int step) {
    if (step == 1) {
      moves.addRows(tile, y, stride, count, lanes);
      return;
    }
    for (int i = 0; i < count; i++) {
      for (int lane = 0; lane < lanes; lane++) {
        addOne(tile, i, lane, y + i * stride + 4L * lane * step);
      }
    }
  }

  private void addOne(long tile, int row, int lane, long y) {
    Memory.set(y, Memory.get(y) + Memory.get(tile + (long) row * rowBytes + 4L * lane));
  }
}
