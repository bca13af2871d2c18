package kumiko.runtime.machine;

/**
 * What the processor says of its nearest caches to programs that ask it (CPUID: Intel's by leaf 4, AMD's by leaf 8000_0005, as virtual
 * machines may tell nothing in leaf 8000_001D). Asked of the processor as on some of those the system's files about caches are missing too.
 *
 * @param data bytes of the one for data, {@link #LEAST_DATA} at least
 * @param instructions bytes of the one for instructions; 0 where that is not known
 */
record NearestCaches(int data, int instructions) {
  /** The least that a processor with AVX2 has. */
  static final int LEAST_DATA = 32 << 10;

  private static final int EXTENDED = 0x8000_0000;
  private static final int INTELS = 4;
  private static final int AMDS = 0x8000_0005;

  private static final int OF_DATA = 1;
  private static final int OF_INSTRUCTIONS = 2;

  /** More than any processor has. */
  private static final int MOST_CACHES = 16;

  /** The instruction of that name, where EAX was {@code leaf} and ECX {@code part}. */
  interface Cpuid {
    /** EAX, and in the upper half EBX. */
    long first(int leaf, int part);

    /** ECX, and in the upper half EDX. */
    long second(int leaf, int part);
  }

  /** Hands on what the instruction leaves in registers, as the JVM would take 10 ms until it reads memory for the first time. */
  private record Called(CodePages.Installed firsts, CodePages.Installed seconds) implements Cpuid {
    @Override
    public long first(int leaf, int part) {
      return NativeCall.call(firsts.entry(), leaf, part, 0);
    }

    @Override
    public long second(int leaf, int part) {
      return NativeCall.call(seconds.entry(), leaf, part, 0);
    }
  }

  /** Of the processor that this process runs on. */
  static NearestCaches ofProcess(CodePages pages) {
    return of(new Called(pages.install(NearestCaches::first), pages.install(NearestCaches::second)));
  }

  /** Above the last of its leaves a processor may answer anything. */
  static NearestCaches of(Cpuid cpuid) {
    if (Integer.compareUnsigned((int) cpuid.first(EXTENDED, 0), AMDS) >= 0) {
      long answer = cpuid.second(AMDS, 0);
      if (answer != 0) {
        return known(kibibytes((int) answer), kibibytes(upper(answer)));
      }
    }
    int data = 0;
    int instructions = 0;
    boolean more = (int) cpuid.first(0, 0) >= INTELS;
    for (int part = 0; part < MOST_CACHES && more; part++) {
      long cache = cpuid.first(INTELS, part);
      int type = (int) cache & 0x1f;
      boolean nearest = ((int) cache >> 5 & 7) == 1;
      if (nearest && type == OF_DATA) {
        data = bytes(upper(cache), (int) cpuid.second(INTELS, part));
      } else if (nearest && type == OF_INSTRUCTIONS) {
        instructions = bytes(upper(cache), (int) cpuid.second(INTELS, part));
      }
      more = type != 0;
    }
    return known(data, instructions);
  }

  private static NearestCaches known(int data, int instructions) {
    return new NearestCaches(Math.max(LEAST_DATA, data), instructions);
  }

  private static int kibibytes(int answer) {
    return (answer >>> 24) << 10;
  }

  private static int upper(long both) {
    return (int) (both >>> Integer.SIZE);
  }

  /** Ways by partitions by bytes of a line by sets, each but one. */
  private static int bytes(int shape, int sets) {
    int ways = (shape >>> 22) + 1;
    int partitions = (shape >> 12 & 0x3ff) + 1;
    int line = (shape & 0xfff) + 1;
    return ways * partitions * line * (sets + 1);
  }

  private static void first(Assembler code) {
    ask(code, Register.RAX, Register.RBX);
  }

  private static void second(Assembler code) {
    ask(code, Register.RCX, Register.RDX);
  }

  /** RDI leaf, RSI part; the result is made of two of the answers. */
  private static void ask(Assembler code, Register lower, Register upper) {
    code.push(Register.RBX);
    code.mov(Register.RAX, Register.RDI);
    code.mov(Register.RCX, Register.RSI);
    code.cpuid();
    code.shl(upper, Integer.SIZE);
    code.add(lower, upper);
    code.mov(Register.RAX, lower);
    code.pop(Register.RBX);
    code.ret();
  }
}
