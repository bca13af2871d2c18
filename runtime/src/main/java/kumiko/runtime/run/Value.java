package kumiko.runtime.run;

import java.util.ArrayList;
import java.util.List;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.graph.Type.Extent;

/**
 * A node's value as a program stores it: when it is ready, how long it is needed, where it lies. A value of its own is also made
 * where rows are gathered for the part of the graph that needs only some of them.
 */
final class Value {
  /** A stretch of working memory that several values use one after another. */
  static final class Buffer {
    /** Elements a row, or elements a row and key. */
    final int width;

    final boolean perKey;

    /** Whether it holds picked rows only, which are few however long a prompt is. */
    final boolean picked;

    int busyUntil;

    Buffer(int width, boolean perKey, boolean picked) {
      this.width = width;
      this.perKey = perKey;
      this.picked = picked;
    }
  }

  final Node node;

  /** The value whose picked rows this is, or null. */
  final Value gatheredFrom;

  /** Whether this has only the picked rows of a call. */
  final boolean picked;

  /** Whether somebody looks at it or changes it. */
  final boolean kept;

  final List<Value> inputs = new ArrayList<>();

  /** The phase that computes it; 0 for what is given from outside. */
  int level;

  /** The last phase that reads it. */
  int lastUse;

  /** The value whose columns this is, or null. */
  Value viewOf;

  /** Null for what does not lie in working memory: sources, caches, views. */
  Buffer buffer;

  Value(Node node, Value gatheredFrom, boolean picked, boolean kept) {
    this.node = node;
    this.gatheredFrom = gatheredFrom;
    this.picked = picked;
    this.kept = kept;
  }

  boolean isSource() {
    return gatheredFrom == null && node.op() instanceof Op.Input;
  }

  boolean isCache() {
    return gatheredFrom == null && node.op() instanceof Op.Append;
  }

  /** Whether its elements are 32-bit integers: token ids, positions, visible ranges. */
  boolean isInteger() {
    return node.op() instanceof Op.Input;
  }

  boolean perKey() {
    return node.type().extents().getLast().equals(Extent.KEYS);
  }

  /** Elements a row, or heads of a score matrix. */
  int width() {
    if (perKey()) {
      return node.type().extents().getFirst() instanceof Extent.Size(long heads) ? Math.toIntExact(heads) : 1;
    }
    return node.type().extents().size() == 1 ? 1 : node.type().width();
  }

  /** The phase after which others may read it: a kept value is looked at in a phase of its own. */
  int ready() {
    return kept ? level + 1 : level;
  }

  Value storage() {
    return viewOf == null ? this : viewOf.storage();
  }
}
