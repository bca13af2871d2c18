package kumiko.runtime.graph;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** The shape of a node's value: extents that are numbers, or {@code seq} and {@code keys}, which each call decides. */
public record Type(List<Extent> extents) {

  /** One extent. */
  public sealed interface Extent {
    /** Rows of the call. */
    Extent SEQ = Named.SEQ;

    /** Positions a sequence can look at. */
    Extent KEYS = Named.KEYS;

    /** What each call decides. */
    enum Named implements Extent {
      SEQ,
      KEYS;

      @Override
      public String toString() {
        return name().toLowerCase(Locale.ROOT);
      }
    }

    record Size(long size) implements Extent {
      // A record's own take the JVM ten milliseconds when they are first called, as whenever a model is compiled.
      @Override
      public boolean equals(Object other) {
        return other instanceof Size that && size == that.size;
      }

      @Override
      public int hashCode() {
        return Long.hashCode(size);
      }

      @Override
      public String toString() {
        return Long.toString(size);
      }
    }
  }

  public Type {
    extents = List.copyOf(extents);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof Type that && extents.equals(that.extents);
  }

  @Override
  public int hashCode() {
    return extents.hashCode();
  }

  public static Type of(Extent... extents) {
    return new Type(List.of(extents));
  }

  /** {@code [seq, width]}. */
  public static Type rows(long width) {
    return of(Extent.SEQ, new Extent.Size(width));
  }

  public static Type fixed(long... sizes) {
    return new Type(Arrays.stream(sizes).<Extent>mapToObj(Extent.Size::new).toList());
  }

  /** The last extent, which must be a number. */
  public int width() {
    return extents.getLast() instanceof Extent.Size(long size)
        ? Math.toIntExact(size)
        : fail();
  }

  private int fail() {
    throw new IllegalStateException(this + " has no fixed width");
  }

  /** Whether this is {@code [seq, number]}. */
  public boolean isRows() {
    return extents.size() == 2 && extents.getFirst().equals(Extent.SEQ) && extents.getLast() instanceof Extent.Size;
  }

  /** Whether every extent is a number: the value of such a node is the same in every call. */
  public boolean isFixed() {
    for (Extent extent : extents) {
      if (!(extent instanceof Extent.Size)) {
        return false;
      }
    }
    return true;
  }

  /** Whether this is rows of a call, or a fixed matrix: what row-wise operations take. */
  public boolean hasRows() {
    return isRows() || (extents.size() == 2 && isFixed());
  }

  /** As many rows as this has, of another width. */
  public Type withWidth(long width) {
    return of(extents.getFirst(), new Extent.Size(width));
  }

  @Override
  public String toString() {
    return extents.stream().map(Extent::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
