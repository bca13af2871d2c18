package kumiko.runtime.machine;

import java.util.function.IntConsumer;

/**
 * What a piece of code asks of memory for pieces to come, line by line in the order they lie in, shared out over turns between its loads
 * and products. Asked for all at once they take the places that a processor has for lines that are on their way, and what the piece itself
 * loads then finds none.
 *
 * @param lines how many in all
 * @param turns in which the piece asks for them
 * @param line emits the request for a line, from 0
 */
record Requests(int lines, int turns, IntConsumer line) {
  static final Requests NONE = new Requests(0, 1, line -> {});

  /** Emits those of a turn, from 0: a line comes no later than its share of the turns. */
  void turn(int turn) {
    for (int i = Math.ceilDiv(turn * lines, turns); i < Math.ceilDiv((turn + 1) * lines, turns); i++) {
      line.accept(i);
    }
  }
}
