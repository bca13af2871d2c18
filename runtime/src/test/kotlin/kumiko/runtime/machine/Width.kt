package kumiko.runtime.machine

import java.lang.foreign.Arena

/** What routines for float32 can be written in; where several run all are tested. */
internal enum class Width(private val assembler: () -> Assembler, private vararg val flags: String) {
    AVX512(::Assembler, "avx512bw", "bmi2"),
    AVX2(::HalvedAssembler, "avx2", "fma", "f16c", "bmi2"),
    ;

    /** Whether it runs here. */
    val here = Processor.current().let { it.system() == Processor.LINUX && it.firstMissing(*flags) == null }

    fun pages(arena: Arena = Arena.ofAuto()) = CodePages(arena, assembler)
}
