package kumiko.runtime.machine;

/** {@link EightCode} of one kind of weights, for each number of other rows: eight are more arithmetic than memory keeps busy. */
final class EightRoutines {
  private final Ahead ahead;

  /** By other rows, from 1: of groups of {@link EightCode#ROWS} rows of weights. */
  private final Routine[] groups = new Routine[EightCode.EIGHT + 1];

  /** Likewise: of single rows, that whole groups leave over. */
  private final Routine[] last = new Routine[EightCode.EIGHT + 1];

  EightRoutines(EightCode.Meeting type, Ahead ahead, CodeInstaller installer) {
    this.ahead = ahead;
    for (int i = 1; i <= EightCode.EIGHT; i++) {
      int others = i;
      groups[i] = installer.install(code -> EightCode.code(code, type, EightCode.ROWS, others, ahead));
      last[i] = installer.install(code -> EightCode.code(code, type, 1, others, ahead));
    }
  }

  /** Of float32, in halves of vectors. */
  EightRoutines(WeightVector type, int stride, Ahead ahead, CodeInstaller installer) {
    this.ahead = ahead;
    for (int i = 1; i <= EightCode.EIGHT; i++) {
      int others = i;
      groups[i] = installer.install(code -> EightHalvesCode.code(code, type, stride, EightCode.ROWS, others, ahead));
      last[i] = installer.install(code -> EightHalvesCode.code(code, type, stride, 1, others, ahead));
    }
  }

  /** See {@link Eights#add}. */
  void add(long weights, long from, int rows, long x, int others, int columns, long tile, long later) {
    long distance = Math.clamp(later - weights, 0, Integer.MAX_VALUE);
    long both = ahead.isInLine() ? distance << Integer.SIZE | columns : columns;
    int whole = rows / EightCode.ROWS;
    int done = whole * EightCode.ROWS;
    if (whole > 0) {
      groups[others].call(weights, from, whole, x, both, tile);
    }
    if (done < rows) {
      last[others].call(weights + done * from, from, rows - done, x, both, tile + (long) done * Eights.TILE_BYTES);
    }
  }
}
