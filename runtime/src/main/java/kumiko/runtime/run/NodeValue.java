package kumiko.runtime.run;

import java.lang.foreign.MemorySegment;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Elements;
import kumiko.runtime.tensor.Shape;

/**
 * One node's value for the new rows of one sequence.
 *
 * @param node canonical name
 * @param slot whose sequence
 * @param position index of the first row in its sequence
 * @param shape {@code [rows, width]}; {@code [heads, rows, keys]} of scores and probabilities; {@code [kvHeads, keys, headDim]} of keys
 *     and values. Keys of a tuned prefix stand first.
 * @param dtype the activation type
 * @param data row-major without gaps, valid during the call that hands it out
 */
public record NodeValue(String node, int slot, int position, Shape shape, DType dtype, MemorySegment data) {
  /** Element {@code index} in row-major order, whatever the type. */
  public double get(long index) {
    return Elements.get(dtype, data, index);
  }

  /** Writes element {@code index}; only where the value was asked for to be replaced. */
  public void set(long index, double value) {
    Elements.set(dtype, data, index, value);
  }
}
