package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Pairing
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.random.Random

private const val GAP = 20

/** Numbers between two gaps of what is not a number: what is read or written outside shows. */
private class Guarded(val size: Int, value: (Int) -> Float) {
    private val memory: MemorySegment = Arena.ofAuto().allocate(4L * (size + 2 * GAP), 4)
    val address = memory.address() + 4 * GAP

    init {
        for (i in 0 until size + 2 * GAP) {
            memory.set(ValueLayout.JAVA_FLOAT, 4L * i, if (i - GAP in 0 until size) value(i - GAP) else Float.NaN)
        }
    }

    fun numbers() = List(size) { memory.get(ValueLayout.JAVA_FLOAT, 4L * (GAP + it)) }

    fun isIntact() = (0 until GAP).all {
        memory.get(ValueLayout.JAVA_FLOAT, 4L * it).isNaN() && memory.get(ValueLayout.JAVA_FLOAT, 4L * (GAP + size + it)).isNaN()
    }
}

/** How they agree with the definitions is in `ElementTwinsSpec`. */
class RowFunctionsSpec : FunSpec({
    for (width in Width.entries) {
        context("by $width") {
            val here = width.here
            val functions = if (here) RowFunctions(width.pages()) else null
            val awkward = listOf(1, 2, 15, 16, 17, 31, 48, 63, 64, 65, 100, 128, 200)
            val random = Random(1)
            val any = { _: Int -> random.nextDouble(-2.0, 2.0).toFloat() }

            /** [work] writes to y what depends on none of the numbers around its operands. */
            fun touchesItsOwn(clue: String, size: Int, work: (Guarded, Guarded, Guarded, Guarded) -> Unit) = withClue("$clue of $size") {
                val (x, a, b, y) = List(4) { Guarded(size, any) }
                val inputs = listOf(x, a, b).map { it.numbers() }
                work(x, a, b, y)
                y.numbers().all { it.isFinite() } shouldBe true
                listOf(x, a, b, y).all { it.isIntact() } shouldBe true
                listOf(x, a, b).map { it.numbers() } shouldBe inputs
            }

            test("functions read and write the numbers that there are, and no others").config(enabled = here) {
                for (size in awkward) {
                    for (function in Activation.entries) {
                        touchesItsOwn("$function", size) { x, _, _, y -> functions!!.activate(function, x.address, y.address, size) }
                        touchesItsOwn("gated $function", size) { x, a, _, y ->
                            functions!!.gated(function, x.address, a.address, y.address, size)
                        }
                    }
                }
            }

            test("sums and products read and write the numbers that there are, and no others").config(enabled = here) {
                for (size in awkward) {
                    touchesItsOwn("sum", size) { x, a, _, y -> functions!!.add(0.5f, x.address, a.address, y.address, size) }
                    touchesItsOwn("product", size) { x, a, _, y -> functions!!.multiply(x.address, a.address, y.address, size) }
                    touchesItsOwn("multiple", size) { x, _, _, y -> functions!!.scale(x.address, 0.5f, y.address, size) }
                }
            }

            test("norms read and write the numbers that there are, and no others").config(enabled = here) {
                for (size in awkward) {
                    for (weighted in listOf(false, true)) {
                        touchesItsOwn("RMSNorm, weights $weighted", size) { x, a, _, y ->
                            functions!!.rmsNorm(x.address, if (weighted) a.address else 0, 1e-5f, 1f, y.address, size)
                        }
                        for (biased in listOf(false, true)) {
                            touchesItsOwn("LayerNorm, weights $weighted, biases $biased", size) { x, a, b, y ->
                                val bias = if (biased) b.address else 0
                                functions!!.layerNorm(x.address, if (weighted) a.address else 0, bias, 1e-5f, y.address, size)
                            }
                        }
                    }
                }
            }

            test("what is not a number stays none").config(enabled = here) {
                for (function in Activation.entries) {
                    val x = Guarded(20) { if (it == 18) Float.NaN else 1f }
                    functions!!.activate(function, x.address, x.address, 20)
                    withClue("$function") { x.numbers().map { it.isNaN() } shouldBe List(20) { it == 18 } }
                }
                val x = Guarded(20) { if (it == 18) Float.NaN else 1f }
                functions!!.rmsNorm(x.address, 0, 1e-5f, 0f, x.address, 20)
                x.numbers().all { it.isNaN() } shouldBe true
            }

            test("the pairs of every head are turned, and what lies between them is left alone").config(enabled = here) {
                for (pairing in Pairing.entries) {
                    for (pairs in listOf(1, 7, 8, 9, 15, 16, 17, 32, 40)) {
                        val stride = 2 * pairs + 3
                        val x = Guarded(2 * stride + 2 * pairs, any)
                        val angles = Guarded(2 * pairs, any)
                        val before = x.numbers()
                        functions!!.rotate(pairing, x.address, stride, 3, angles.address, pairs)
                        val after = x.numbers()
                        withClue("$pairing, $pairs pairs") {
                            x.isIntact() shouldBe true
                            after.all { it.isFinite() } shouldBe true
                            for (i in after.indices) (after[i] == before[i]) shouldBe (i % stride >= 2 * pairs)
                        }
                    }
                }
            }
        }
    }
})
