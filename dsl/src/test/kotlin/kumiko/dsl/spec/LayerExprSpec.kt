package kumiko.dsl.spec

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.arbitrary
import io.kotest.property.checkAll
import kotlin.random.Random

class LayerExprSpec : FunSpec({
    test("an expression prints, compares and knows its value in each layer") {
        val by = LayerExpr.Layer + 1
        "$by" shouldBe "layer + 1"
        by shouldBe LayerExpr.Layer + 1
        by.at(layer = 27, count = 28) shouldBe 28.0
        "${sqrt(2.0 * LayerExpr.Count)}" shouldBe "sqrt(2 * count)"
        sqrt(2.0 * LayerExpr.Count).at(0, 28) shouldBe kotlin.math.sqrt(56.0)
    }

    test("every expression reads back from its print") {
        checkAll(500, Arb.expressions()) { LayerExpr.parse("$it") shouldBe it }
    }

    test("a name that is no layer number is refused") {
        shouldThrow<SpecException> { LayerExpr.parse("depth + 1") }.message shouldBe
            "unknown name 'depth' in an expression over layers; known are layer and count"
    }

    test("a number that is not finite is refused") {
        shouldThrow<SpecException> { LayerExpr.of(Double.NaN) }.message shouldBe "a number of a spec is finite, not NaN"
    }
})

private fun Arb.Companion.expressions(): Arb<LayerExpr> = arbitrary { source -> source.random.expression(4) }

private fun Random.expression(depth: Int): LayerExpr = when (if (depth == 0) nextInt(3) else nextInt(8)) {
    0 -> LayerExpr.of(nextDouble(-5.0, 5.0))
    1 -> LayerExpr.Layer
    2 -> LayerExpr.Count
    3 -> expression(depth - 1) + nextInt(9)
    4 -> expression(depth - 1) - nextDouble()
    5 -> nextInt(-9, 9) * expression(depth - 1)
    6 -> expression(depth - 1) / (nextInt(1, 9))
    else -> sqrt(LayerExpr.Count + LayerExpr.Layer.at(nextInt(9), 9))
}
