/**
 * Machine code for attention, for what is done with single rows, and above all for products: of float32 with weights of any stored type
 * by AVX-512, whose speed then depends on no compiler of the JVM, and of bf16 by AVX512_BF16 and AMX, which the JVM does not reach. {@link
 * kumiko.runtime.machine.Assembler} writes the few instructions that are needed, {@link kumiko.runtime.machine.CodePages} makes them
 * executable, and no longer writable, and {@link kumiko.runtime.machine.MachineCode} says whether they can run here. Everything goes
 * through the Foreign Function and Memory API; no native library is shipped.
 */
package kumiko.runtime.machine;
