package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.tensor.Rows;

/** The picked rows of a call, one after another. */
record GatherStep(Rows x, Rows y, int elementBytes) implements Step {
  @Override
  public void run(Call call, int part, int parts, int worker) {
    int to = Step.cut(call.picked, 1, part + 1, parts);
    long bytes = (long) x.width() * elementBytes;
    for (int p = Step.cut(call.picked, 1, part, parts); p < to; p++) {
      long source = (x.offset() + (long) call.pickedRows[p] * x.stride()) * elementBytes;
      long target = (y.offset() + (long) p * y.stride()) * elementBytes;
      MemorySegment.copy(x.data(), source, y.data(), target, bytes);
    }
  }

  @Override
  public long work(Call call) {
    return (long) call.picked * x.width();
  }
}
