package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.graph.Op;
import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.Rows;

/** Work in which the rows of a sequence look at its cache. */
final class AttentionSteps {
  /** The most heads that one thread takes at a time, where they share a key head: more would leave too few parts for many threads. */
  private static final int TOGETHER = 4;

  private AttentionSteps() {}

  /**
   * Neighbouring heads that {@link Fused} has done at once: half as many where a single row would leave some of so many threads without any,
   * which changes no bit of the results.
   */
  static int together(Op.Attention op, int threads) {
    int group = op.heads() / op.kvHeads();
    int heads = Math.min(group, TOGETHER);
    while (group % heads != 0) {
      heads--;
    }
    return heads == TOGETHER && op.heads() / heads < threads ? heads / 2 : heads;
  }

  /** New keys or values into the cache, shared out by rows. */
  record Append(Kernels kernels, Rows x, KeyValueCache cache) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int first = Step.cut(call.rows, 1, from, parts);
      int last = Step.cut(call.rows, 1, to, parts);
      for (int s = 0; s < call.sequences; s++) {
        int begin = Math.max(first, call.first[s]);
        int end = Math.min(last, call.first[s] + call.count[s]);
        if (begin < end) {
          int position = call.past[s] + begin - call.first[s];
          int slot = call.slot[s];
          kernels.append(x, cache.data(), cache.offset(slot, 0), cache.room(slot), cache.kvHeads(), cache.headDim(), position, begin, end);
        }
      }
    }

    @Override
    public long work(Call call) {
      return (long) call.rows * cache.kvHeads() * cache.headDim();
    }
  }

  /**
   * Scores, softmax and mixing in one; shared out by sequence, block of rows, and heads.
   *
   * @param query the columns of {@code together} heads each; so is {@code out}
   */
  record Fused(
      Kernels kernels, Op.Attention op, int together, Heads query, KeyValueCache keys, KeyValueCache values, MemorySegment visible,
      Heads out,
      Scratch scratch)
      implements
        Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int block = kernels.attentionRows(together);
      int all = units(call, block);
      int first = Step.cut(all, 1, from, parts);
      int last = Step.cut(all, 1, to, parts);
      int unit = 0;
      for (int s = 0; s < call.sequences; s++) {
        int end = call.first[s] + call.count[s];
        for (int row = call.first[s]; row < end; row += block) {
          for (int heads = 0; heads < op.heads() / together; heads++, unit++) {
            if (unit >= first && unit < last) {
              attend(call, s, heads, heads * together, row, Math.min(end, row + block), scratch.of(worker));
            }
          }
        }
      }
    }

    private int units(Call call, int block) {
      int units = 0;
      for (int s = 0; s < call.sequences; s++) {
        units += Math.ceilDiv(call.count[s], block) * (op.heads() / together);
      }
      return units;
    }

    private void attend(Call call, int s, int heads, int first, int from, int to, MemorySegment own) {
      long offset = keys.offset(call.slot[s], first / (op.heads() / op.kvHeads()));
      kernels.attention(
          query.of(heads),
          keys.data(),
          values.data(),
          offset,
          op.headDim(),
          visible,
          call.total(s),
          op.scoreScale(),
          op.softmaxScale(),
          op.fill(),
          out.of(heads),
          call.count[s],
          from,
          to,
          own);
    }

    @Override
    public long work(Call call) {
      return 4L * op.heads() * op.headDim() * pairs(call);
    }
  }

  /** The score matrix of every sequence, {@code [heads, count, total]}, one sequence after another. */
  record Scores(Kernels kernels, Op.Scores op, Heads query, KeyValueCache keys, ScoreRows out) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int first = Step.cut(op.heads(), 1, from, parts);
      int last = Step.cut(op.heads(), 1, to, parts);
      for (int s = 0; s < call.sequences; s++) {
        int total = call.total(s);
        int end = call.first[s] + call.count[s];
        for (int head = first; head < last; head++) {
          long offset = keys.offset(call.slot[s], head / (op.heads() / op.kvHeads()));
          kernels.scores(query.of(head), keys.data(), offset, op.headDim(), total, op.scale(), out.of(call, s, head), call.first[s], end);
        }
      }
    }

    @Override
    public long work(Call call) {
      return 2L * op.heads() * op.headDim() * pairs(call);
    }
  }

  /** Probabilities of every sequence, laid out as the scores. */
  record Softmax(Kernels kernels, Op.Softmax op, ScoreRows scores, MemorySegment visible, ScoreRows out) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int first = Step.cut(out.heads(), 1, from, parts);
      int last = Step.cut(out.heads(), 1, to, parts);
      for (int s = 0; s < call.sequences; s++) {
        int end = call.first[s] + call.count[s];
        for (int head = first; head < last; head++) {
          Rows row = scores.of(call, s, head);
          kernels.softmax(row, visible, call.total(s), op.scale(), op.fill(), out.of(call, s, head), call.first[s], end);
        }
      }
    }

    @Override
    public long work(Call call) {
      return 8L * out.heads() * pairs(call);
    }
  }

  /** Values weighted by probabilities. */
  record Mix(Kernels kernels, Op.Mix op, ScoreRows probabilities, KeyValueCache values, Heads out) implements Step {
    @Override
    public void run(Call call, int from, int to, int parts, int worker) {
      int first = Step.cut(op.heads(), 1, from, parts);
      int last = Step.cut(op.heads(), 1, to, parts);
      for (int s = 0; s < call.sequences; s++) {
        int end = call.first[s] + call.count[s];
        for (int head = first; head < last; head++) {
          long offset = values.offset(call.slot[s], head / (op.heads() / op.kvHeads()));
          Rows row = probabilities.of(call, s, head);
          kernels.mix(row, values.data(), offset, op.headDim(), call.total(s), out.of(head), call.first[s], end);
        }
      }
    }

    @Override
    public long work(Call call) {
      return 2L * op.heads() * op.headDim() * pairs(call);
    }
  }

  /** Where the score matrices of a call lie. */
  record ScoreRows(MemorySegment data, int heads) {
    long start(Call call, int s) {
      long start = 0;
      for (int before = 0; before < s; before++) {
        start += (long) heads * call.count[before] * call.total(before);
      }
      return start;
    }

    Rows of(Call call, int s, int head) {
      int total = call.total(s);
      return new Rows(data, start(call, s) + (long) head * call.count[s] * total, total, total);
    }
  }

  private static long pairs(Call call) {
    long pairs = 0;
    for (int s = 0; s < call.sequences; s++) {
      pairs += (long) call.count[s] * call.total(s);
    }
    return pairs;
  }
}
