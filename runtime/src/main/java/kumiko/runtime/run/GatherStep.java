package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.tensor.Rows;

/** The picked rows of a call, one after another. */
record GatherStep(Rows x, Rows y, int elementBytes) implements Step {
  @Override
  public void run(Call call, int from, int to, int parts, int worker) {
    int end = Step.cut(call.picked, 1, to, parts);
    long bytes = (long) x.width() * elementBytes;
    for (int p = Step.cut(call.picked, 1, from, parts); p < end; p++) {
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
