package kumiko.runtime.run;

import kumiko.runtime.kernel.Kernels;
import kumiko.runtime.tensor.Matrix;
import kumiko.runtime.tensor.Rows;

/**
 * A linear layer, shared out by output columns: each thread reads its own rows of the weight.
 *
 * @param residual null, or what {@code scale} times is under the product
 * @param inPlace whether y already holds the residual
 */
record LinearStep(
    Kernels kernels,
    Matrix weight,
    Rows bias,
    Rows x,
    Parts y,
    Parts residual,
    double scale,
    boolean inPlace,
    boolean picked,
    Scratch scratch)
    implements
      Step {

  @Override
  public void run(Call call, int part, int parts, int worker) {
    int rows = call.rows(picked);
    boolean alone = parts == 1 && y.count() > 1;
    int from = alone ? 0 : y.from(part);
    int to = alone ? weight.rows() : y.from(part + 1);
    if (from == to || rows == 0) {
      return;
    }
    if (residual != null) {
      place(alone ? residual.whole : residual.columns(part), alone ? y.whole : y.columns(part), rows);
    }
    kernels.linear(weight, bias, x, y.whole, rows, from, to, residual != null, scratch.of(worker));
  }

  private void place(Rows below, Rows target, int rows) {
    if (scale != 1) {
      kernels.scale(below, scale, target, 0, rows);
    } else if (!inPlace) {
      kernels.copy(below, target, 0, rows);
    }
  }

  @Override
  public long work(Call call) {
    return 2L * call.rows(picked) * weight.rows() * weight.columns();
  }
}
