package kumiko.runtime.machine;

import kumiko.runtime.tensor.DType;

/**
 * How code asks memory ahead for weights, which pass by once: without, each row and each page of memory begins with a wait. They differ
 * in what they were measured to be best for, by turns, in programs that are not kept.
 */
enum Ahead {
  /**
   * Far ahead into the second-level cache, and what comes soon once more into the nearest, so that code which does more than load and add
   * has it there in time. On Intel's Sapphire Rapids bf16 came from 90 to 93 % of what memory gives, f16 from 86 to 92.
   *
   * <p>One row meets weights from four places: on a Xeon of model 207 by turns f32 took 3 to 4 % less time so, bf16 1 to 2, bf16 by bf16 5 (with
   * a product of other numbers in its place, as that machine had none of bf16), blocks as long. That rows of 8192 activations are not cut in
   * two, so that their weights lie in line too, saves another 2 %.
   *
   * <p>There they are asked for once, into the nearest cache: routines called by a C program over 200 MB a thread, by turns with one that only
   * adds, came with blocks of q8_0 from 87 to 93 % of what that read, of q4_0 from 84 to 94, where the second-level cache, or 1 KiB ahead, was
   * nearer to the former; f32, bf16 and bf16 by bf16 came to 100 either way.
   */
  TWICE(12 << 10, 4 << 10, 32 << 10) {
    @Override
    int lineBytes(DType type) {
      return WHOLE_ROWS;
    }

    @Override
    int soonBytes() {
      return 3 << 10;
    }

    @Override
    void soon(Assembler code, Address line) {
      code.prefetcht0(line);
    }
  },

  /**
   * As {@link #TWICE}, but within the page of 4 KiB or little behind it. On Intel's Granite Rapids a C program that only adds reads 27 GB/s
   * when memory is asked for 6, 8 or 12 KiB ahead, 30 when 2 to 4, and the products of one row got 8 to 20 % quicker: so near, the second-level
   * cache sees what comes and fetches more at a time than the nearest has places for misses.
   *
   * <p>By turns four places for one row, asked for into the nearest cache, saved 3 to 5 % of a token with every type, 2 KiB ahead instead of 1
   * another 3 to 5 % with bf16 by bf16 and 2 % with q4_0 by bf16; tiles of weights that pass alone, not by twos, 4 to 5 % of a step of eight
   * sequences with rounded activations and 6 to 8 with float32; weights in columns asked for into the nearest cache 1 to 4 % of a token of
   * GPT-2.
   */
  CLOSE(3 << 10, 3 << 10, 32 << 10) {
    @Override
    boolean asksTwice(DType type) {
      return true;
    }

    @Override
    int steps() {
      return 3;
    }

    @Override
    int fewTiles() {
      return 1;
    }

    @Override
    int soonBytes() {
      return 2 << 10;
    }

    @Override
    void soon(Assembler code, Address line) {
      code.prefetcht0(line);
    }
  },

  /**
   * Once, into the nearest cache and no other: what passes by once need not drive anything out of those. On AMD's Zen 5 asking twice costs a
   * C program that only adds 12 %; by turns decoding took 4 to 9 % less time than so with bf16, 3 % and more with f16, with eight rows of
   * activations 5 to 12 % less with bf16. Of that 3 % with q8_0, q4_0 and small models, and 4 % with eight rows and float32, are because no
   * other cache is filled. A row of 8192 activations and what is asked for in line fit that cache together: bf16 weights of as many columns
   * took an eighth less time so than in two pieces.
   *
   * <p>Pages are asked for before their lines, as the host of the machine that this was measured on maps memory in small pages: where one is
   * new a load takes 50 to 280 ns longer, and from some thousand on all are. With that one row that reads all weights from front to back is
   * the quickest, in C programs 79 to 82 GB/s where the four places that it read from before came to 74, and 57 without; by turns a token of
   * LLaMA-3.2-1B takes 6 to 9 % less time. Two or three rows of activations, too, meet weights row by row then: 8 to 17 % less with bf16 by
   * bf16. Eight of float32 with float32 weights take 17 to 22 % less, of which 17 are because a piece of 512 columns leaves weights more room
   * than one of 1024. Blocks gain nothing: they still read from four places, as code for one waits for its own sums.
   */
  ONCE(8 << 10, 8 << 10, 32 << 10) {
    @Override
    int rowStreams() {
      return 1;
    }

    @Override
    int lineBytes(DType type) {
      return 4 << 10;
    }

    @Override
    int pageBytes() {
      return 16 << 10;
    }

    @Override
    int mostAlone() {
      return 3;
    }

    @Override
    int pieceColumns(int most) {
      return Math.min(most, 512);
    }

    @Override
    void far(Assembler code, Address line) {
      code.prefetchnta(line);
    }

    @Override
    void near(Assembler code, Address line, int free) {}
  },

  /**
   * For processors without AVX-512. Few rows of activations, blocks and weights in columns ask once, into the nearest cache and no other; by
   * turns AMD's Zen 3 takes 10 to 13 % longer for a token with blocks, a third longer for eight sequences with bf16, and 6 to 15 % longer for a
   * token of GPT-2, if nothing is asked for, and as long whatever the cache and the distance. One row that meets four neighbouring rows of
   * weights asks for nothing: it took up to a tenth longer with float32 if it did.
   */
  STRAIGHT(4 << 10, 4 << 10, 16 << 10) {
    @Override
    void far(Assembler code, Address line) {
      code.prefetchnta(line);
    }

    @Override
    void near(Assembler code, Address line, int free) {}
  },

  /**
   * Into the second-level cache, and only where weights do not lie in line: the processor sees those coming itself. But AMD's Zen 4 stops
   * doing so while more other memory is loaded than weights, even from the nearest cache, as with bf16 and f16, which meet twice their
   * bytes of float32; so each line of weights is loaded once more. By turns one row of bf16 and f16 came from 40 to 95 % of what memory
   * gives; eight rows of bf16 got a quarter quicker, and another sixth when asking went in line.
   */
  GAPS(8 << 10, 8 << 10, 16 << 10) {
    @Override
    void near(Assembler code, Address line, int free) {
      code.vmovups(free, line);
    }

    @Override
    int lineBytes(DType type) {
      return 0;
    }

    @Override
    int tileBytes(int rows) {
      return rows == 1 ? 0 : super.tileBytes(rows);
    }

    @Override
    boolean isInLine() {
      return true;
    }

    @Override
    int soonBytes() {
      return 4 << 10;
    }

    @Override
    int streams() {
      return 1;
    }
  };

  /** How far ahead the second time, and of one of several places: there it is the best of 512 to 8192 bytes on Zen 5, with all types. */
  private static final int NEAR = 1024;

  private static final int WHOLE_ROWS = -1;

  private static final int LEAST_ACTIVATION_BYTES = 16 << 10;

  private static final String AMD = "AuthenticAMD";

  /**
   * What Intel's processors have from Granite Rapids on, twice as much as those before. Virtual machines may give other models than the
   * processor's, so those would not tell.
   */
  private static final int LARGE_INSTRUCTION_CACHE = 64 << 10;

  /** The family of Zen 3 and Zen 4, of which only the latter has AVX-512. */
  private static final int ZEN_4 = 25;

  private final int bytes;
  private final int singleBytes;
  private final int activationBytes;

  Ahead(int bytes, int singleBytes, int activationBytes) {
    this.bytes = bytes;
    this.singleBytes = singleBytes;
    this.activationBytes = activationBytes;
  }

  static Ahead of(Processor processor, NearestCaches caches) {
    if (processor.firstMissing("avx512bw") != null) {
      return STRAIGHT;
    }
    if (!processor.vendor().equals(AMD)) {
      return caches.instructions() < LARGE_INSTRUCTION_CACHE ? TWICE : CLOSE;
    }
    return processor.family() == ZEN_4 ? GAPS : ONCE;
  }

  /** How far ahead of tiles that follow one another, where each meets {@code rows} rows. */
  int tileBytes(int rows) {
    return bytes;
  }

  /**
   * How far ahead of rows that lie {@code stride} bytes apart: where there are gaps in whole rows, as when they are nearer they are needed
   * too soon.
   */
  long rowBytes(DType type, int columns, long stride) {
    int inLine = lineBytes(type);
    if (inLine != WHOLE_ROWS && lieInLine(type, columns, stride)) {
      return inLine;
    }
    long row = Math.max(1, stride);
    return Math.min(Integer.MAX_VALUE, Math.ceilDiv(least(type), row) * row);
  }

  /** How far ahead of rows in line, or {@link #WHOLE_ROWS}. */
  int lineBytes(DType type) {
    return least(type);
  }

  /** How far ahead of single rows at least. */
  int least(DType type) {
    return type == DType.F32 ? singleBytes : bytes;
  }

  /** From how many places weights that lie in line meet one row, each with its share of them: 1 or {@link DotCode#STREAMS}. */
  int streams() {
    return DotCode.STREAMS;
  }

  /** The same of rows, where blocks, weights in columns, and keys and values may differ. */
  int rowStreams() {
    return streams();
  }

  /** Whether single rows of this type are asked for a second time: where loading them is not all the work, as float32 lost by it. */
  boolean asksTwice(DType type) {
    return type != DType.F32;
  }

  static boolean lieInLine(DType type, int columns, long stride) {
    return type.bytes(columns) == stride;
  }

  /** How much of a row of activations may stay in a nearest cache of so many bytes, next to weights that pass by. */
  int activationBytes(int nearestCache) {
    return nearestCache * 2 / 3 < activationBytes ? LEAST_ACTIVATION_BYTES : activationBytes;
  }

  /**
   * Whether code that reads pieces of several rows at once asks for what comes after all their pieces, in the order it lies in, which
   * takes a cache with room for that; else for the same piece of the next rows.
   */
  boolean isInLine() {
    return false;
  }

  /**
   * How many steps ahead of 16 or 32 rows that pass by together, a line of each a step; below 16. Of nearer ones than those of {@link #TWICE}
   * there they are needed too soon, and of further ones too many begin with a wait.
   */
  int steps() {
    return 6;
  }

  /**
   * How many tiles of weights, 16 rows each, pass together where few rows meet them, 1 or 2. Rows of a power of two lie in the same set of the
   * nearest cache, which holds twelve: 32 of them drive one another out before the second half of a line is needed, where rows begin in
   * the middle of one.
   */
  int fewTiles() {
    return 2;
  }

  /**
   * How far ahead one line of a page is asked for, so that the processor knows where the page lies when the others are: 0 where that wins
   * nothing.
   */
  int pageBytes() {
    return 0;
  }

  /** Up to how many rows of activations meet weights row by row. */
  int mostAlone() {
    return 0;
  }

  /** Columns of weights that meet more rows of float32 at a time; not above {@code most}, which the nearest cache has room for. */
  int pieceColumns(int most) {
    return most;
  }

  /** How far ahead of one of several places. */
  int soonBytes() {
    return NEAR;
  }

  /**
   * How far ahead of pieces of rows that lie {@code stride} bytes apart and pass by one after the other, from {@link #streams} places: where
   * there are gaps in whole rows. From one place {@link SumCode#ROWS neighbours} pass together, and are followed by as many others.
   */
  long sumBytes(DType type, int columns, long stride) {
    if (streams() == 1) {
      return SumCode.ROWS * stride;
    }
    if (lieInLine(type, columns, stride)) {
      return soonBytes();
    }
    long row = Math.max(1, stride);
    return Math.min(Integer.MAX_VALUE, Math.ceilDiv(soonBytes(), Math.max(1, type.bytes(columns))) * row);
  }

  /** Asks for a line that is needed soon, of rows that pass together or of one of several places. */
  void soon(Assembler code, Address line) {
    far(code, line);
  }

  /** Asks for a line that is needed later. */
  void far(Assembler code, Address line) {
    code.prefetcht1(line);
  }

  /**
   * Sees to it that a line comes soon enough that was asked for before.
   *
   * @param line that is needed now; it can be read
   * @param free a vector register
   */
  void near(Assembler code, Address line, int free) {
    code.prefetcht0(line.plus(NEAR));
  }
}
