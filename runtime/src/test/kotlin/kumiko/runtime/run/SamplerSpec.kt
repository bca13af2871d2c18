package kumiko.runtime.run

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.map
import io.kotest.property.checkAll
import kumiko.runtime.tensor.DType
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.exp

private fun logits(values: List<Double>): MemorySegment =
    Arena.ofAuto().allocateFrom(ValueLayout.JAVA_FLOAT, *values.map { it.toFloat() }.toFloatArray())

private fun Sampler.draws(logits: MemorySegment, count: Int) = List(count) { next(logits, DType.F32) }

private val values = Arb.list(Arb.int(-4000..4000), 1..50).map { row -> row.map { it / 1000.0 } }

class SamplerSpec : FunSpec({
    test("greedy takes the largest logit, of equal ones the first") {
        Sampler.greedy().next(logits(listOf(1.0, 3.0, 2.0, 3.0)), DType.F32) shouldBe 1
        Sampler.of(0.0, 5, 0.5, 1).next(logits(listOf(-1.0, -3.0)), DType.F32) shouldBe 0
    }

    test("one seed gives one text and another seed another") {
        val flat = logits(List(1000) { 0.0 })
        Sampler.of(1.0, 0, 1.0, 5).draws(flat, 20) shouldBe Sampler.of(1.0, 0, 1.0, 5).draws(flat, 20)
        Sampler.of(1.0, 0, 1.0, 5).draws(flat, 20) shouldNotBe Sampler.of(1.0, 0, 1.0, 6).draws(flat, 20)
    }

    test("a sampler that skips tokens goes on where another of its seed is, whatever it draws from") {
        val flat = logits(List(100) { it / 50.0 })
        for ((k, p) in listOf(0 to 1.0, 7 to 1.0, 0 to 0.8, 9 to 0.5)) {
            Sampler.of(1.0, k, p, 5).skip(8).draws(flat, 6) shouldBe Sampler.of(1.0, k, p, 5).draws(flat, 14).drop(8)
        }
    }

    test("a seed means these tokens on every machine") {
        Sampler.of(1.0, 0, 1.0, 42).draws(logits(List(1000) { 0.0 }), 5) shouldBe PINNED
    }

    test("tokens come as often as their probabilities say") {
        val row = listOf(0.0, 1.0, -1.0, 2.0)
        val weights = row.map { exp(it / 0.7) }
        val draws = Sampler.of(0.7, 0, 1.0, 3).draws(logits(row), 40_000).groupingBy { it }.eachCount()
        for (i in row.indices) draws.getValue(i) / 40_000.0 shouldBe (weights[i] / weights.sum() plusOrMinus 0.01)
    }

    test("top-k never leaves the k largest") {
        checkAll(200, values, Arb.int(1, 8)) { row, k ->
            val best = row.map { it.toFloat() }.withIndex().sortedWith(compareBy({ -it.value }, { it.index })).take(k).map { it.index }
            Sampler.of(1.5, k, 1.0, 9).draws(logits(row), 20).forEach { it shouldBeIn best }
        }
    }

    test("top-p takes the smallest set that reaches p, within the top-k") {
        checkAll(200, values, Arb.int(0, 8), Arb.int(5..99)) { row, k, percent ->
            val p = percent / 100.0
            val sorted = row.map { it.toFloat() }.withIndex().sortedWith(compareBy({ -it.value }, { it.index }))
            val among = if (k == 0) sorted else sorted.take(k)
            val weight = { logit: Float -> exp((logit - sorted[0].value).toDouble()) }
            val target = p * (if (k == 0) row.sumOf { weight(it.toFloat()) } else among.sumOf { weight(it.value) })
            var reached = 0.0
            val allowed = among.takeWhile { token -> (reached < target).also { reached += weight(token.value) } }.map { it.index }
            Sampler.of(1.0, k, p, 9).draws(logits(row), 20).forEach { it shouldBeIn allowed }
        }
    }

    test("settings that mean nothing are refused") {
        shouldThrow<IllegalArgumentException> {
            Sampler.of(-1.0, 0, 1.0, 0)
        }.message shouldBe "temperature is a number of at least 0, not -1.0"
        shouldThrow<IllegalArgumentException> {
            Sampler.of(1.0, -1, 1.0, 0)
        }.message shouldBe "top-k is a count of tokens, 0 for all, not -1"
        shouldThrow<IllegalArgumentException> { Sampler.of(1.0, 0, 0.0, 0) }.message shouldBe
            "top-p is a probability above 0 and at most 1, not 0.0"
    }

    test("a logit that is not a number is refused") {
        shouldThrow<IllegalArgumentException> { Sampler.greedy().next(logits(listOf(0.0, Double.NaN)), DType.F32) }.message shouldBe
            "the logit of token 1 is not a number; a weight is damaged or an activation overflowed"
    }
})

private val PINNED = listOf(696, 670, 707, 815, 531)
