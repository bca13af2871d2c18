package kumiko.cli.evaluate

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.doubles.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout
import kotlin.math.exp
import kotlin.math.ln
import kotlin.random.Random

class EvaluationSpec : FunSpec({
    fun distribution(vararg logits: Double): Distribution {
        val data = Arena.ofAuto().allocate(ValueLayout.JAVA_FLOAT, logits.size.toLong())
        logits.forEachIndexed { i, value -> data.setAtIndex(ValueLayout.JAVA_FLOAT, i.toLong(), value.toFloat()) }
        return Distribution(data)
    }

    fun random(seed: Int, size: Int) = Random(seed).let { r -> distribution(*DoubleArray(size) { r.nextDouble(-30.0, 30.0) }) }

    test("every id of a text is new in exactly one window, and no window is longer than the context") {
        checkAll(500, Arb.int(1..60), Arb.int(1..20), Arb.int(1..20)) { size, context, wanted ->
            val stride = minOf(wanted, context)
            val windows = Window.over(size, context, stride)
            windows.flatMap { it.new..<it.end } shouldBe (0..<size).toList()
            windows.forEachIndexed { i, window ->
                window.from shouldBe i * stride
                (window.end - window.from <= context && window.from <= window.new) shouldBe true
            }
        }
    }

    test("windows are those of the published recipe") {
        // huggingface.co/docs/transformers/perplexity, the loop over seq_len, max_length and stride.
        checkAll(200, Arb.int(1..60), Arb.int(1..20), Arb.int(1..20)) { size, context, wanted ->
            val stride = minOf(wanted, context)
            val recipe = ArrayList<Window>()
            var previous = 0
            for (begin in 0..<size step stride) {
                val end = minOf(begin + context, size)
                recipe += Window(begin, end, previous)
                previous = end
                if (end == size) break
            }
            Window.over(size, context, stride) shouldBe recipe
        }
    }

    test("the first id of a window is not predicted, and what was new before is context") {
        Window.over(5, 5, 5).single().predicted shouldBe 4
        Window.over(6, 3, 3).map { it.predicted } shouldBe listOf(2, 2)
        Window.over(6, 3, 1).map { it.predicted } shouldBe listOf(2, 1, 1, 1)
        Window.over(4, 1, 1).sumOf { it.predicted } shouldBe 0
    }

    test("probabilities sum to one, whatever the size of the logits") {
        for (shift in listOf(0.0, 1e4, -1e4)) {
            val d = distribution(shift + 1, shift - 2, shift + 3)
            (0..<3).sumOf { exp(d.logProbability(it)) } shouldBe (1.0 plusOrMinus 1e-12)
            d.top shouldBe 2
        }
        distribution(1.0, 2.0, 2.0).top shouldBe 1
    }

    test("a divergence is what its definition says, 0 from itself and never below") {
        val p = distribution(ln(0.5), ln(0.25), ln(0.25))
        val q = distribution(ln(0.25), ln(0.25), ln(0.5))
        p.divergence(q) shouldBe (0.25 * ln(2.0) plusOrMinus 1e-7)
        checkAll(200, Arb.int(), Arb.int(), Arb.int(1..50)) { a, b, size ->
            random(a, size).divergence(random(a, size)) shouldBe 0.0
            random(a, size).divergence(random(b, size)) shouldBeGreaterThanOrEqual 0.0
        }
        distribution(0.0, Double.NEGATIVE_INFINITY).divergence(distribution(0.0, 0.0)) shouldBe (ln(2.0) plusOrMinus 1e-12)
        distribution(0.0, 0.0).divergence(distribution(0.0, Double.NEGATIVE_INFINITY)) shouldBe Double.POSITIVE_INFINITY
    }
})
