package kumiko.runtime.machine;

/** {@link EightCode} of one kind of weights, for each number of other rows: eight are more arithmetic than memory keeps busy. */
final class EightRoutines {
  /** Bytes of weights from which on several places are worth their beginnings. */
  private static final long LEAST_BYTES = 32 << 10;

  private final Ahead ahead;

  /** Null where rows that pass together are always neighbours. */
  private final EightCode.Meeting placed;

  /** By other rows, from 1: of groups of {@link EightCode#ROWS} rows of weights. */
  private final Routine[] groups = new Routine[EightCode.EIGHT + 1];

  /** Likewise: from as many places. */
  private final Routine[] places = new Routine[EightCode.EIGHT + 1];

  /** Likewise: of single rows, that whole groups leave over. */
  private final Routine[] last = new Routine[EightCode.EIGHT + 1];

  /** Likewise: of all rows, one after the other; null where they always pass together. */
  private final Routine[] alone = new Routine[EightCode.EIGHT + 1];

  EightRoutines(EightCode.Meeting type, Ahead ahead, CodeInstaller installer) {
    this.ahead = ahead;
    placed = ahead.streams() == 1 ? null : type;
    for (int i = 1; i <= EightCode.EIGHT; i++) {
      int others = i;
      if (others <= ahead.mostAlone()) {
        alone[i] = installer.install(code -> EightCode.code(code, type, EightCode.Way.ALONE, others, ahead));
      }
      groups[i] = installer.install(code -> EightCode.code(code, type, EightCode.Way.NEIGHBOURS, others, ahead));
      places[i] = installer.install(code -> EightCode.code(code, type, EightCode.Way.PLACES, others, ahead));
      last[i] = installer.install(code -> EightCode.code(code, type, EightCode.Way.LAST, others, ahead));
    }
  }

  /** Of float32, in halves of vectors. */
  EightRoutines(WeightVector type, int stride, Ahead ahead, CodeInstaller installer) {
    this.ahead = ahead;
    placed = null;
    for (int i = 1; i <= EightCode.EIGHT; i++) {
      int others = i;
      groups[i] = installer.install(code -> EightHalvesCode.code(code, type, stride, EightCode.ROWS, others, ahead));
      last[i] = installer.install(code -> EightHalvesCode.code(code, type, stride, 1, others, ahead));
    }
  }

  /** See {@link Eights#readsWhole}. */
  boolean readsWhole(long from, int others, int columns) {
    return placed != null && from == placed.bytes(columns) && others * columns <= EightCode.EIGHT * placed.wholeColumns();
  }

  /** See {@link Eights#add}. */
  void add(long weights, long from, int rows, long x, int others, int columns, long tile, long later) {
    if (alone[others] != null && readsWhole(from, others, columns)) {
      alone[others].call(weights, from, rows, x, columns, tile);
      return;
    }
    int each = rows / EightCode.ROWS;
    if (each * from >= LEAST_BYTES && readsWhole(from, others, columns)) {
      places[others].call(weights, each * from, each, x, from << Integer.SIZE | columns, tile);
      addRest(weights, from, rows, each * EightCode.ROWS, x, others, columns, tile);
      return;
    }
    long distance = Math.clamp(later - weights, 0, Integer.MAX_VALUE);
    long both = ahead.isInLine() ? distance << Integer.SIZE | columns : columns;
    if (each > 0) {
      groups[others].call(weights, from, each, x, both, tile);
    }
    addRest(weights, from, rows, each * EightCode.ROWS, x, others, both, tile);
  }

  private void addRest(long weights, long from, int rows, int done, long x, int others, long columns, long tile) {
    if (done < rows) {
      last[others].call(weights + done * from, from, rows - done, x, columns, tile + (long) done * Eights.TILE_BYTES);
    }
  }
}
