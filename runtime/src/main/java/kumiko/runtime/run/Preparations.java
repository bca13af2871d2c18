package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;
import kumiko.runtime.tensor.Slab;

/**
 * What {@link Kernels#prepare} makes of the rows that linear layers read: once for all layers of a phase that read the same ones, before
 * that phase.
 */
final class Preparations {
  /** How a weight lies in memory, by which kernels decide whether and how they prepare what it meets. */
  private enum Form {
    ROWS,
    COLUMNS,
    PIECES;

    static Form of(Matrix weight) {
      List<Slab> slabs = weight.slabs();
      if (slabs.stream().allMatch(slab -> slab.columnStride() == 1 && slab.columns() == weight.columns())) {
        return ROWS;
      }
      return slabs.size() == 1 ? COLUMNS : PIECES;
    }
  }

  /** What is multiplied with weights of one type and form, and what is made of it. */
  private record Read(Value value, DType type, Form form, PrepareStep step) {
    boolean is(Value otherValue, DType otherType, Form otherForm) {
      return value == otherValue && type == otherType && form == otherForm;
    }
  }

  /** Rows that no two threads share. */
  private static final int ROWS = 16;

  private final Kernels kernels;
  private final int maxRows;
  private final Map<Integer, List<Read>> byLevel = new HashMap<>();
  private final PhaseMemory memory;

  Preparations(Arena arena, Kernels kernels, int maxRows) {
    this.kernels = kernels;
    this.maxRows = maxRows;
    memory = new PhaseMemory(arena, "prepared rows");
  }

  /** Where the phase {@code level} finds what was made of {@code value}, whose rows are {@code x}; null where this weight has no use for it. */
  MemorySegment of(Value value, Rows x, Matrix weight, int level) {
    long bytes = kernels.preparedBytes(weight, maxRows);
    if (bytes == 0) {
      return null;
    }
    List<Read> here = byLevel.computeIfAbsent(level, key -> new ArrayList<>());
    Form form = Form.of(weight);
    for (Read read : here) {
      if (read.is(value, weight.dtype(), form)) {
        return read.step.prepared;
      }
    }
    PrepareStep step = new PrepareStep(kernels, weight, x, value.picked, memory.take(level, bytes));
    here.add(new Read(value, weight.dtype(), form, step));
    return step.prepared;
  }

  Step[] steps(int level) {
    return byLevel.getOrDefault(level, List.of()).stream().map(Read::step).toArray(Step[]::new);
  }

  /** Shared out by rows; nothing where a call takes them as they are. */
  private record PrepareStep(Kernels kernels, Matrix weight, Rows x, boolean picked, MemorySegment prepared) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int rows = call.rows(picked);
      int first = Step.cut(rows, ROWS, from, parts);
      int end = Step.cut(rows, ROWS, to, parts);
      if (first < end && kernels.prepares(weight, rows)) {
        kernels.prepare(weight, x, rows, prepared, first, end);
      }
    }

    @Override
    public long work(Call call) {
      int rows = call.rows(picked);
      return kernels.prepares(weight, rows) ? (long) rows * x.width() : 0;
    }
  }
}
