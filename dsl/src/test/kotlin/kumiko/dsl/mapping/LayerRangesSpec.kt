package kumiko.dsl.mapping

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

class LayerRangesSpec : FunSpec({
    test("names of neighbouring layers fold into one range, gaps stay visible") {
        LayerRanges.fold(listOf(3, 0, 1, 7).map { "blocks.$it.ff.layers.2.weight" }) shouldBe "blocks.{0..1,3,7}.ff.layers.2.weight"
        LayerRanges.fold(listOf("wte.weight")) shouldBe "wte.weight"
        LayerRanges.fold(listOf("blocks.4.x", "blocks.4.x")) shouldBe "blocks.4.x"
    }

    test("only the first number is the layer") {
        LayerRanges.skeleton("h.3.layers.2.w") shouldBe "h.{}.layers.2.w"
        LayerRanges.skeleton("a.12345678901.w") shouldBe "a.12345678901.w"
    }
})
