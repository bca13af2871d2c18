package kumiko.runtime.checkpoint;

import java.util.ArrayList;
import java.util.List;

/** The stack of an unpickler, with limits on its height and on how many values a pickle may make. */
final class PickleStack {
  /** About thirty values per tensor: a hundred thousand tensors fit. */
  private static final int MAX_VALUES = 4_000_000;

  private static final int MAX_HEIGHT = 1_000_000;
  private static final int MAX_MARKS = 10_000;

  private final PickleInput in;
  private final List<Object> values = new ArrayList<>();
  private final List<Integer> marks = new ArrayList<>();
  private int made;

  PickleStack(PickleInput in) {
    this.in = in;
  }

  /** Puts a newly made value on top. */
  void make(Object value) {
    if (++made > MAX_VALUES) {
      throw in.problem("more than " + MAX_VALUES + " values", "a table of tensors");
    }
    push(value);
  }

  /** Puts a value on top that exists already. */
  void push(Object value) {
    if (values.size() >= MAX_HEIGHT) {
      throw in.problem("more than " + MAX_HEIGHT + " values waiting for use", "a table of tensors");
    }
    values.add(value);
  }

  void mark() {
    if (marks.size() >= MAX_MARKS) {
      throw in.problem("values nested more than " + MAX_MARKS + " deep", "a table of tensors");
    }
    marks.add(values.size());
  }

  Object pop() {
    Object top = top();
    values.removeLast();
    return top;
  }

  Object top() {
    int floor = marks.isEmpty() ? 0 : marks.getLast();
    if (values.size() <= floor) {
      throw in.problem("an instruction without its operand", "a value before it");
    }
    return values.getLast();
  }

  <T> T pop(Class<T> type, String what) {
    Object value = pop();
    if (!type.isInstance(value)) {
      throw in.problem(Unpickler.describe(value), what);
    }
    return type.cast(value);
  }

  <T> T top(Class<T> type, String what) {
    Object value = top();
    if (!type.isInstance(value)) {
      throw in.problem(Unpickler.describe(value), what);
    }
    return type.cast(value);
  }

  /** Takes everything above the last mark, and the mark. */
  List<Object> popToMark() {
    if (marks.isEmpty()) {
      throw in.problem("an instruction without its mark", "a mark before it");
    }
    List<Object> above = values.subList(marks.removeLast(), values.size());
    List<Object> taken = new ArrayList<>(above);
    above.clear();
    return taken;
  }

  List<Object> pop(int count) {
    List<Object> taken = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      taken.addFirst(pop());
    }
    return taken;
  }
}
