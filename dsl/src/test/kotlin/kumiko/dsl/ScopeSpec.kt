package kumiko.dsl

import io.kotest.core.spec.style.FunSpec

class ScopeSpec : FunSpec({
    /** A program that describes a model with [lines] in it. */
    fun program(lines: String, top: String = "") = """
        import kumiko.dsl.*
        import kumiko.dsl.spec.*
        import kumiko.runtime.graph.Activation.GELU
        $top
        val m = model("m") {
            val embed by dim(8)
            $lines
        }
    """

    test("the frame of these programs compiles") {
        program("blocks(2) { residual(mlp(embed, 4 * embed, GELU)) }").shouldCompile()
        program("blocks(4) { every(2, residual(mlp(embed, embed, GELU)), otherwise = residual(linear(embed, embed))) }").shouldCompile()
    }

    test("dims belong to the model, not to a block") {
        program("blocks(2) { val inner by dim(3); residual(linear(embed, inner)) }").shouldNotCompile("implicit receiver")
    }

    test("blocks do not stand inside blocks") {
        program(
            "blocks(2) { blocks(1) { residual(linear(embed, embed)) }; residual(linear(embed, embed)) }",
        ).shouldNotCompile("implicit receiver")
    }

    test("the head is not set inside a block") {
        program("blocks(2) { head = tiedToTokens; residual(linear(embed, embed)) }").shouldNotCompile("implicit receiver")
    }

    test("the number of the layer is known inside blocks only") {
        program("val scale = stabilised(by = layer + 1)").shouldNotCompile("unresolved reference 'layer'")
    }

    test("a number that changes results cannot be left out") {
        program("val norm = layerNorm(embed)").shouldNotCompile("no value passed for parameter 'eps'")
        program("val rope = rotary(dims = embed, base = 10_000.0)").shouldNotCompile("no value passed for parameter 'pairing'")
        program("val ffn = mlp(embed, embed)").shouldNotCompile("no value passed for parameter 'activation'")
        program("val wiring = glmResidual()").shouldNotCompile("none of the following candidates is applicable")
    }

    test("a size without a name is no dim") {
        program("val norm = layerNorm(768, eps = 1e-5)").shouldNotCompile("argument type mismatch")
    }

    test("a finished model cannot be changed") {
        program("", top = "fun rename(spec: ModelSpec) { spec.name = \"other\" }").shouldNotCompile("'val' cannot be reassigned")
    }

    test("a scope is made by model alone") {
        program("", top = "val scope = ModelScope(\"mine\")").shouldNotCompile("cannot access")
    }
})
