package kumiko.dsl.mapping

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.element
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import kumiko.dsl.mapping.KeyTemplate.Binding

class KeyTemplateSpec : FunSpec({
    test("a name is matched as a whole and gives back its layer, shard, kind and words") {
        val template = KeyTemplate.parse("layer_{i+2:02}-model_{s:02}.attention.w{q,k}.{p}")
        template.match("layer_02-model_01.attention.wk.bias") shouldBe Binding(0, 1, null, "bias", listOf(1))
        template.match("xlayer_02-model_01.attention.wk.bias") shouldBe null
        template.match("layer_02-model_01.attention.wk.bias.x") shouldBe null
        template.match("layer_02-model_01.attention.wv.bias") shouldBe null
    }

    test("a number must be written exactly as the template writes it") {
        val template = KeyTemplate.parse("h.{i}.x")
        template.match("h.7.x") shouldBe Binding(layer = 7)
        template.match("h.07.x") shouldBe null
        KeyTemplate.parse("f_{i:02}").match("f_7") shouldBe null
        KeyTemplate.parse("f_{i:02}").match("f_107") shouldBe Binding(layer = 107)
    }

    test("a number below the offset is no layer") {
        KeyTemplate.parse("layer_{i+2:02}").match("layer_01") shouldBe null
    }

    test("one layer number in two places must be the same") {
        KeyTemplate.parse("a.{i}.b.{i+1}").match("a.3.b.4") shouldBe Binding(layer = 3)
        KeyTemplate.parse("a.{i}.b.{i+1}").match("a.3.b.5") shouldBe null
    }

    test("the number of layers is a value that the caller knows") {
        KeyTemplate.parse("layer_{layers+3:02}").match("layer_47", layers = 44) shouldBe Binding(layers = 44)
        KeyTemplate.parse("layer_{layers+3:02}").match("layer_46", layers = 44) shouldBe null
    }

    test("dots and brackets of a key are themselves") {
        KeyTemplate.parse("a.b[0]").match("a.b[0]") shouldBe Binding()
        KeyTemplate.parse("a.b").match("aXb") shouldBe null
    }

    test("what is rendered is matched back") {
        val templates = Arb.element("h.{i}.{p}", "f_{i+2:03}-{s:02}.{a,b}.{p}", "{x,y}.{layers+1}.{i}.{q,k,v}.{p}", "{a,ab}{b,bb}{i}.{p}")
        checkAll(templates, Arb.int(0..2000), Arb.int(0..99), Arb.int(1..99), Arb.int(0..1)) { text, i, s, n, word ->
            val template = KeyTemplate.parse(text)
            val given = Binding(i, s, n, if (word == 0) "weight" else "bias", template.groups.map { word % it.size })
            val name = template.render(given)
            template.match(name, n)?.let { template.render(it.copy(shard = it.shard ?: s)) } shouldBe name
        }
    }

    test("mistakes in a template are named") {
        val wrong = mapOf(
            "h.{i.x" to "\"h.{i.x\": the brace at column 3 is not closed",
            "h.i}.x" to "\"h.i}.x\": a closing brace without its opening one",
            "h.{n}" to
                "\"h.{n}\": {n} is not understood; a hole is {i}, {i+2:02}, {s:02}, {layers+3}, {p} or different words like {query,key}",
            "h.{a,a}" to
                "\"h.{a,a}\": {a,a} is not understood; a hole is {i}, {i+2:02}, {s:02}, {layers+3}, {p} or different words like {query,key}",
        )
        wrong.forEach { (text, message) -> shouldThrow<MappingException> { KeyTemplate.parse(text) }.message shouldBe message }
    }
})
