package kumiko.runtime.machine;

/** A system property that decides what computes has a value that means nothing, or that cannot be had; the message says what to do. */
public final class SystemPropertyException extends IllegalArgumentException {
  private static final long serialVersionUID = 1;

  public SystemPropertyException(String message) {
    super(message);
  }
}
