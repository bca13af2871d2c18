package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe

class TraceComparisonSpec : FunSpec({
    fun compare(expected: List<Double>, actual: List<Double>) =
        TraceComparison.of(expected.size.toLong(), { expected[it.toInt()] }, { actual[it.toInt()] })

    test("the largest difference is found with its place") {
        val found = compare(listOf(1.0, -2.0, 3.0), listOf(1.0, -2.5, 3.25))
        found.maxAbs shouldBe 0.5
        found.at shouldBe 1
        found.within(0.5) shouldBe true
        found.within(0.499) shouldBe false
    }

    test("relative and cosine are those of the vectors") {
        val found = compare(listOf(3.0, 4.0), listOf(4.0, 3.0))
        found.relative shouldBe (Math.sqrt(2.0) / 5 plusOrMinus 1e-15)
        found.cosine shouldBe (24.0 / 25 plusOrMinus 1e-15)
    }

    test("equal tensors do not differ, infinities included") {
        compare(listOf(1.0, Double.NEGATIVE_INFINITY), listOf(1.0, Double.NEGATIVE_INFINITY)).maxAbs shouldBe 0.0
        compare(listOf(0.0), listOf(-0.0)) shouldBe TraceComparison(1, 0.0, 0, 0.0, 1.0)
        compare(listOf(), listOf()) shouldBe TraceComparison(0, 0.0, -1, 0.0, 1.0)
    }

    test("a number that is none is never within a tolerance") {
        compare(listOf(1.0), listOf(Double.NaN)).within(Double.MAX_VALUE) shouldBe false
        compare(listOf(Double.NaN), listOf(Double.NaN)).within(Double.MAX_VALUE) shouldBe false
        compare(listOf(Double.POSITIVE_INFINITY), listOf(1.0)).within(Double.MAX_VALUE) shouldBe false
    }
})
