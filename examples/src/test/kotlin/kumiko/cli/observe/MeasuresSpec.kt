package kumiko.cli.observe

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.numericDouble
import io.kotest.property.checkAll
import kumiko.cli.parity.TracedValue
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Shape
import java.lang.foreign.Arena
import kotlin.math.exp
import kotlin.math.hypot

/** How far rows and distributions are from each other. */
class MeasuresSpec : FunSpec({
    fun value(numbers: List<Double>, vararg shape: Long): TracedValue {
        val data = Arena.ofAuto().allocate(DType.F64.bytes(numbers.size.toLong()), 64)
        numbers.forEachIndexed { i, number -> Elements.set(DType.F64, data, i.toLong(), number) }
        return TracedValue("node", Shape.of(*shape), DType.F64, data)
    }

    val logits = Arb.list(Arb.numericDouble(-30.0, 30.0), 12..12)

    test("next tokens are the largest logits, equals by id, with the probabilities of the softmax") {
        checkAll(logits) { numbers ->
            val rounded = numbers.map { Math.rint(it) + 0.0 }
            val top = NextTokens(value(rounded, 1, 12)).top(0, 5)
            val order = rounded.indices.sortedWith(compareByDescending<Int> { rounded[it] }.thenBy { it })
            top.map { it.id } shouldBe order.take(5)
            val sum = rounded.sumOf { exp(it) }
            top.forEach { it.probability shouldBe (exp(it.logit) / sum plusOrMinus 1e-12) }
        }
    }

    test("distributions are as far from each other as the other way round, nowhere from themselves, and at most 1") {
        checkAll(logits, logits) { a, b ->
            val (left, right) = NextTokens(value(a, 1, 12)) to NextTokens(value(b, 1, 12))
            left.apart(right, 0) shouldBe (right.apart(left, 0) plusOrMinus 1e-12)
            left.apart(left, 0) shouldBe 0.0
            (left.apart(right, 0) in 0.0..1.0 + 1e-12) shouldBe true
        }
    }

    test("the distance of rows does not depend on their scale") {
        checkAll(Arb.list(Arb.numericDouble(-1.0, 1.0), 4..4), Arb.numericDouble(0.5, 1000.0)) { numbers, scale ->
            val (a, b) = value(numbers.take(2), 1, 2) to value(numbers.drop(2), 1, 2)
            val scaled = listOf(numbers.take(2), numbers.drop(2)).map { row -> value(row.map { it * scale }, 1, 2) }
            distances(a, b, 1)!!.single() shouldBe (distances(scaled[0], scaled[1], 1)!!.single() plusOrMinus 1e-9)
        }
    }

    test("a position's row is found in rows, in scores and in caches behind a prefix") {
        PositionRows(value(List(6) { it.toDouble() }, 3, 2), 3).norm(2) shouldBe hypot(4.0, 5.0)
        PositionRows(
            value(
                List(8) {
                    it.toDouble()
                },
                2,
                2,
                2,
            ),
            2,
        ).norm(1) shouldBe (hypot(hypot(2.0, 3.0), hypot(6.0, 7.0)) plusOrMinus 1e-12)
        PositionRows(value(List(6) { it.toDouble() }, 2, 3, 1), 2).norm(0) shouldBe hypot(1.0, 4.0)
    }

    test("what is no number is infinitely far, and values of other shapes cannot be compared") {
        distances(value(listOf(Double.NaN), 1, 1), value(listOf(1.0), 1, 1), 1) shouldBe listOf(Double.POSITIVE_INFINITY)
        distances(value(listOf(1.0), 1, 1), value(listOf(1.0, 2.0), 1, 2), 1) shouldBe null
    }
})
