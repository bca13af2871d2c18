package kumiko.runtime.machine;

import java.util.function.Consumer;

/**
 * What a loop asks of pages of memory that it comes to much later, a line of each. To ask for a line costs nothing where the processor knows the
 * place of its page; where it does not, it looks that up, which takes longer than memory takes for a line where a host maps the memory of a
 * virtual machine in small pages, and code behind it waits as soon as the processor can hold no more of it.
 *
 * @param turns of the loop from one request to the next, a power of two up to 128, or 0 for no requests; RAX counts turns down
 * @param first asks before the first turn
 * @param next asks later
 */
record Pages(int turns, Consumer<Assembler> first, Consumer<Assembler> next) {
  static final Pages NONE = new Pages(0, code -> {}, code -> {});

  private static final int PAGE = 4096;
  private static final int MOST_TURNS = 128;

  Pages(int turns, Consumer<Assembler> each) {
    this(turns, each, each);
  }

  /** As many turns as go over no more than a page, of so many bytes each. */
  static int turns(int bytes) {
    return Math.clamp(Integer.highestOneBit(PAGE / bytes), 1, MOST_TURNS);
  }

  void begin(Assembler code) {
    first.accept(code);
  }

  void turn(Assembler code) {
    if (turns > 0) {
      code.testRax(turns - 1);
      int other = code.jnz();
      next.accept(code);
      code.land(other);
    }
  }
}
