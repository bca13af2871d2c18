package kumiko.runtime.machine;

import static kumiko.runtime.machine.Register.R10;
import static kumiko.runtime.machine.Register.R11;
import static kumiko.runtime.machine.Register.R8;
import static kumiko.runtime.machine.Register.R9;
import static kumiko.runtime.machine.Register.RAX;
import static kumiko.runtime.machine.Register.RBX;
import static kumiko.runtime.machine.Register.RCX;
import static kumiko.runtime.machine.Register.RDI;
import static kumiko.runtime.machine.Register.RDX;
import static kumiko.runtime.machine.Register.RSI;

import kumiko.runtime.graph.Pairing;

/**
 * Pairs of neighbouring heads of one row turned in place: RDI the first pair, RSI bytes from one head to the next, RDX heads, RCX the
 * cosines of all pairs, R8 their sines, R9 pairs.
 */
final class RotaryCode {
  private static final int NEIGHBOURS_SWAPPED = 0xb1;
  private static final int VECTOR_BYTES = 64;

  private RotaryCode() {}

  static void code(Assembler code, Pairing pairing) {
    boolean halves = pairing == Pairing.HALVES;
    // Of neighbouring pairs a vector holds half as many.
    int pairs = halves ? WeightVector.LANES : WeightVector.LANES / 2;
    code.push(RBX);
    masks(code, pairs, halves);
    int nextHead = code.here();
    code.mov(RAX, RDI);
    code.lea(RBX, Address.at(RDI, R9, Float.BYTES));
    code.mov(R10, RCX);
    code.mov(R11, R8);
    code.push(RDX);
    code.mov(RDX, R9);
    code.shr(RDX, Integer.numberOfTrailingZeros(pairs));
    int few = code.jz();
    int next = code.here();
    vector(code, halves, false);
    code.add(RAX, VECTOR_BYTES);
    code.add(RBX, VECTOR_BYTES);
    code.add(R10, pairs * Float.BYTES);
    code.add(R11, pairs * Float.BYTES);
    code.dec(RDX);
    code.jnz(next);
    code.land(few);
    vector(code, halves, true);
    code.pop(RDX);
    code.add(RDI, RSI);
    code.dec(RDX);
    code.jnz(nextHead);
    code.pop(RBX);
    code.vzeroupper();
    code.ret();
  }

  /** Mask 1: which elements the last vector has; 2: which pairs; 3: those of a whole vector. */
  private static void masks(Assembler code, int pairs, boolean halves) {
    code.mov(R10, R9);
    code.and(R10, pairs - 1);
    code.mov(RAX, -1L);
    code.bzhi(R11, RAX, R10);
    code.kmovw(2, R11);
    if (!halves) {
      code.add(R10, R10);
      code.bzhi(R11, RAX, R10);
      code.mov(RAX, (1 << pairs) - 1);
      code.kmovw(3, RAX);
    }
    code.kmovw(1, R11);
  }

  private static void vector(Assembler code, boolean halves, boolean last) {
    int mask = last ? 1 : 0;
    Address near = Address.at(RAX, 0);
    code.vmovups(0, mask, near);
    if (halves) {
      Address far = Address.at(RBX, 0);
      code.vmovups(1, mask, far);
      code.vmovups(2, mask, Address.at(R10, 0));
      code.vmovups(3, mask, Address.at(R11, 0));
      code.vmulps(4, 0, 2);
      code.vfnmadd231ps(4, 1, 3);
      code.vmulps(5, 1, 2);
      code.vfmadd231ps(5, 0, 3);
      code.vmovups(near, mask, 4);
      code.vmovups(far, mask, 5);
    } else {
      code.vpmovzxdq(2, last ? 2 : 3, Address.at(R10, 0));
      code.vpmovzxdq(3, last ? 2 : 3, Address.at(R11, 0));
      code.vmovsldup(2, 2);
      code.vmovsldup(3, 3);
      code.vpshufd(1, 0, NEIGHBOURS_SWAPPED);
      code.vmulps(1, 1, 3);
      code.vfmaddsub213ps(0, 2, 1);
      code.vmovups(near, mask, 0);
    }
  }
}
