package kumiko.runtime.run

import io.kotest.assertions.fail
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.tensor.DType
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs

/** Rounding of float32 in these small graphs, whose logits are of the order of 1. */
const val ROUNDING = 1e-5

fun options(kernels: Kernels = ScalarKernels(DType.F32)): Options = Options.of(kernels).withThreads(1)

fun TestModel.compile(options: Options = options()): Program = Program.compile(graph, weights::get, options)

fun MemorySegment.toDoubles(dtype: DType): DoubleArray =
    if (dtype == DType.F32) toArray(ValueLayout.JAVA_FLOAT).map { it.toDouble() }.toDoubleArray() else toArray(ValueLayout.JAVA_DOUBLE)

fun Session.row(slot: Int): DoubleArray = logits(slot).toDoubles(program().activations())

/** Logits of every position of a prompt computed whole. */
fun Program.whole(prompt: IntArray): List<DoubleArray> = open(1, prompt.size).use { session ->
    buildList { session.prefill(0, prompt) { _, logits -> add(logits.toDoubles(activations())) } }
}

fun assertClose(actual: DoubleArray, expected: DoubleArray, what: () -> String, tolerance: Double = ROUNDING) {
    if (actual.size != expected.size) fail("${actual.size} logits instead of ${expected.size} in ${what()}")
    for (i in actual.indices) {
        if (!(abs(actual[i] - expected[i]) <= tolerance)) fail("logit $i is ${actual[i]} instead of ${expected[i]} in ${what()}")
    }
}
