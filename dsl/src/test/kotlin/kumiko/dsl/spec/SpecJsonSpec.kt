package kumiko.dsl.spec

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.property.Arb
import io.kotest.property.checkAll
import kumiko.dsl.tinyGpt2

class SpecJsonSpec : FunSpec({
    val text = tinyGpt2.toJson()

    fun refusal(from: String, to: String): String? {
        text shouldContain from
        return shouldThrow<SpecException> { ModelSpec.fromJson(text.replace(from, to)) }.message
    }

    test("every spec reads back from its print, byte for byte and with the same hash") {
        checkAll(300, Arb.specs()) { spec ->
            val read = ModelSpec.fromJson(spec.toJson())
            read shouldBe spec
            read.toJson() shouldBe spec.toJson()
            read.hash() shouldBe spec.hash()
            "$spec" shouldBe spec.toJson()
        }
    }

    test("specs that differ have different hashes") {
        tinyGpt2.copy(name = "other").hash() shouldNotBe tinyGpt2.hash()
        tinyGpt2.replace<LayerNorm> { it.copy(eps = 1e-6) }.hash() shouldNotBe tinyGpt2.hash()
    }

    test("the hash is the one it has always been") {
        tinyGpt2.hash() shouldBe "8a8838c97149a0ab6669647060a9cc46ce8dc250078a978374c359b57bafa9a4"
    }

    test("an unknown kind of layer is named, with what is near") {
        refusal("\"kind\": \"mlp\"", "\"kind\": \"mpl\"") shouldBe
            "unknown kind of layer 'mpl'; did you mean mlp? (a kind of your own is made known with Kinds.register)"
        refusal("\"kind\": \"mlp\"", "\"type\": \"mlp\"").orEmpty() shouldContain "a layer has no \"kind\""
    }

    test("an unknown field is named with its place") {
        refusal("\"eps\": 1.0E-5", "\"epsilon\": 1.0E-5").orEmpty() shouldContain "unknown key 'epsilon'"
    }

    test("a missing field is named") {
        refusal("\"activation\": \"GELU_TANH\",", "").orEmpty() shouldContain "'activation'"
    }

    test("a choice that does not exist is refused") {
        refusal("GELU_TANH", "GELU_FAST").orEmpty() shouldContain "GELU_FAST"
    }

    test("more blocks than any model has are refused before they are counted out") {
        refusal("\"count\": 2", "\"count\": 2000000000") shouldBe "a row of blocks has 1 to 10000 blocks, not 2000000000"
        shouldThrow<SpecException> { tinyGpt2.copy(blocks = List(6) { tinyGpt2.blocks[0].copy(count = 2_000) }) }.message shouldBe
            "tiny-gpt2: a model has 1 to 10000 blocks, not 12000"
        shouldThrow<SpecException> { tinyGpt2.withLayers(0) }.message shouldBe "tiny-gpt2: a model has 1 to 10000 blocks, not 0"
    }

    test("dims that cannot be computed are refused") {
        refusal("\"heads\": \"2\"", "\"heads\": \"3\"") shouldBe "dim embed(8) does not divide evenly by heads(3): remainder 2"
        refusal("\"headDim\": \"embed / heads\"", "\"headDim\": \"embed / hedas\"") shouldBe
            "unknown dimension 'hedas'; did you mean heads?"
        refusal("\"embed\": \"8\"", "\"embed\": \"-8\"").orEmpty() shouldContain "expected a number or a name"
        refusal("\"dims\"", "\"sizes\"") shouldBe "a spec file has an object \"dims\""
    }

    test("what is no spec is refused in one line") {
        for (nothing in listOf("", "{", "[]", "7", "{\"dims\": {}}", "\u0000")) {
            val message = shouldThrow<SpecException> { ModelSpec.fromJson(nothing) }.message.orEmpty()
            message.lines().size shouldBe 1
        }
    }

    test("a file nested without end is refused") {
        val deep = text.replace(
            "\"kind\": \"mlp\"",
            "\"kind\": \"path\", \"layers\": ".plus("[{\"kind\":\"path\",\"layers\":".repeat(50_000)),
        )
        shouldThrow<SpecException> { ModelSpec.fromJson(deep) }
    }
})
