package kumiko.runtime.machine;

/**
 * {@link EightCode} of one kind of weights.
 *
 * @param groups of {@link EightCode#ROWS} rows of weights
 * @param last of single rows, that whole groups leave over
 * @param ahead as both ask
 */
record EightRoutines(Routine groups, Routine last, Ahead ahead) {

  static EightRoutines of(EightCode.Meeting type, Ahead ahead, CodeInstaller installer) {
    return new EightRoutines(
        installer.install(() -> EightCode.code(type, EightCode.ROWS, ahead)), installer.install(() -> EightCode.code(type, 1, ahead)),
        ahead);
  }

  /** See {@link Eights#add}. */
  void add(long weights, long from, int rows, long x, int columns, long tile, long later) {
    long distance = Math.clamp(later - weights, 0, Integer.MAX_VALUE);
    long both = ahead.isInLine() ? distance << Integer.SIZE | columns : columns;
    int whole = rows / EightCode.ROWS;
    int done = whole * EightCode.ROWS;
    if (whole > 0) {
      groups.call(weights, from, whole, x, both, tile);
    }
    if (done < rows) {
      last.call(weights + done * from, from, rows - done, x, both, tile + (long) done * PanelLayout.TILE_BYTES);
    }
  }
}
