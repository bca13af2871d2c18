package kumiko.runtime.machine;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** What {@link TileRows#multiply} is told, which is more than registers of a call hold: the fields of a piece of memory. */
public enum TileWork {
  /** Address of the panel. */
  PANEL(0),
  /** Address of the first row. */
  ROWS(1),
  /** Bytes from one row to the next; so are the other strides. */
  ROW_STRIDE(2),
  /** Groups of {@value TileRows#GROUP} rows, at least 1. */
  GROUPS(3),
  /** Steps of {@value TileRows#STEP} columns, at least 1. */
  STEPS(4),
  /** Address of rows of {@link TileRows#SUM_BYTES}. */
  SUMS(5),
  /** Address of what {@link SumDelivery#deliver} will change, of which memory is asked for some rows a step, going on with every group. */
  RESULTS(6),
  RESULT_STRIDE(7),
  /**
   * Address of weights that will be needed, of which memory is asked for some in every step: {@link TileRows#rowsAhead} rows, a stride apart,
   * for the first group, the next ones for the second and so on; where they lie in columns, as many of those.
   */
  AHEAD(8),
  AHEAD_STRIDE(9),
  /** Bytes from the weights that are asked for in one step to those of the next. */
  AHEAD_STEP(10);

  /** Of all fields. */
  public static final int BYTES = values().length * Long.BYTES;

  private static final MemorySegment MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE);

  private final int offset;

  TileWork(int place) {
    offset = place * Long.BYTES;
  }

  /** @param work address of {@link #BYTES} bytes */
  public void set(long work, long value) {
    MEMORY.set(ValueLayout.JAVA_LONG_UNALIGNED, work + offset, value);
  }

  /** What was {@link #set}, or what {@link TileRows#multiply} has left. */
  public long get(long work) {
    return MEMORY.get(ValueLayout.JAVA_LONG_UNALIGNED, work + offset);
  }

  Address in(Register work) {
    return Address.at(work, offset);
  }
}
