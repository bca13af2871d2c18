package kumiko.runtime.checkpoint;

import java.util.List;

/** A Python tuple. Not a record: equality by content could follow a cycle for ever. */
final class PickleTuple {
  private final List<Object> items;

  PickleTuple(List<Object> items) {
    this.items = items;
  }

  List<Object> items() {
    return items;
  }
}
