package kumiko.runtime.kernel;

import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import kumiko.runtime.tensor.Rows;

/** Views of one thread's scratch memory as rows of each width, made once: a steady run allocates nothing. */
final class RoundedRows {
  private MemorySegment scratch;
  private Rows[] views = new Rows[0];

  Rows over(MemorySegment memory, int width) {
    if (!memory.equals(scratch)) {
      scratch = memory;
      views = new Rows[0];
    }
    for (Rows view : views) {
      if (view.width() == width) {
        return view;
      }
    }
    Rows view = new Rows(memory, width);
    views = Arrays.copyOf(views, views.length + 1);
    views[views.length - 1] = view;
    return view;
  }
}
