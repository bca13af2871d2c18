package kumiko.dsl.mapping

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject

class MapReaderSpec : FunSpec({
    fun errorOf(text: String) = shouldThrow<MappingException> { CheckpointMap.parse("toy.keys.json", text) }.message

    fun errorOfRule(rule: String, file: String = "f") = errorOf(
        """{ "schema": "checkpoint-map/1", "model": "toy", // a comment
            "sections": [ { "file": "$file", "rules": [
            $rule
        ] } ] }""",
    )

    test("unknown and missing fields and wrong words are reported together, each with its line and the likely word") {
        errorOf(
            """
            { // a comment
              "schema": "checkpoint-map/1", /* another
              one */ "modell": "toy",
              "sections": [ { "file": "f_{s}", "rules": [
                { "from": "a", "to": "b", "transposed": true, "merge": "concat2" } ] } ]
            }
            """.trimIndent(),
        ) shouldBe """
            toy.keys.json: 4 problems
              line 1: the field "model" is missing
              line 3, modell: unknown field "modell"; did you mean model?
              line 5, sections[0].rules[0].transposed: unknown field "transposed"; did you mean transpose?
              line 5, sections[0].rules[0].merge: unknown word "concat2"; did you mean concat0?
        """.trimIndent()
    }

    test("a value of the wrong kind is named") {
        errorOfRule("""{ "from": 3, "to": "b", "transpose": "yes" }""") shouldBe """
            toy.keys.json: 2 problems
              line 3, sections[0].rules[0].from: expected a text in quotes, found 3
              line 3, sections[0].rules[0].transpose: expected true or false, found "yes"
        """.trimIndent()
    }

    test("a field written twice is refused") {
        errorOfRule("""{ "from": "a", "from": "c", "to": "b" }""") shouldBe """
            toy.keys.json: 1 problem
              line 3, sections[0].rules[0].from: is written twice
        """.trimIndent()
    }

    test("text that is no JSON is refused with its line") {
        errorOfRule("""{ "from" "a" }""") shouldBe
            "toy.keys.json: not valid JSON at line 3: Expected colon ':', but had '\"' instead"
    }

    test("mistakes of a rule are found without a model") {
        fun rule(rest: String, file: String = "f") =
            errorOfRule("{ $rest }", file)!!.lineSequence().last().trim().removePrefix("line 3, sections[0].rules[0]").removePrefix(": ")

        rule(""""from": "a.{p}", "to": "b" """) shouldBe "\"from\" and \"to\" must both have {p}, or neither"
        rule(""""from": "a.{i}", "to": "b" """) shouldBe
            "{i} is in the file or in \"from\", but not in \"to\": every layer would fill the same parameter"
        rule(""""from": "a", "to": "b.{i}" """) shouldBe
            "{i} is in \"to\", but neither in the file nor in \"from\": one key would fill every layer"
        rule(""""from": "a", "to": "b" """, "f_{s}") shouldBe
            "the files are shards, so say how they are merged: \"merge\" is one of concat0, concat1, sum, mean, duplicate"
        rule(""""from": "a", "to": "b", "merge": "sum" """) shouldBe "\"merge\" joins shards, but the file \"f\" has no {s}"
        rule(""""from": "a", "to": "{b,c,d}" """) shouldBe
            "the alternatives of \"from\" [] do not pair up with those of \"to\" [3]; is \"split\" missing?"
        rule(""""from": "{a,b}", "to": "{b,c,d}" """) shouldBe "the alternatives of \"from\" [2] do not pair up with those of \"to\" [3]"
        rule(""""from": "a", "to": "{b,c}", "split": "thirds" """) shouldBe
            "\"split\": \"thirds\" needs three names as the first alternatives of \"to\", like {query,key,value}"
        rule(""""from": "a", "to": "b", "optional": true """) shouldBe "\"optional\" has a meaning only beside \"tie\""
        rule(""""from": "a.{x}", "to": "b" """) shouldBe
            ".from: \"a.{x}\": {x} is not understood; a hole is {i}, {i+2:02}, {s:02}, {layers+3}, {p} or different words like {query,key}"
    }

    test("an ignored key says why") {
        errorOf(
            """{ "schema": "checkpoint-map/1", "model": "m", "ignore": { "a": " " }, "sections": [ { "file": "f", "rules": [ { "from": "a", "to": "b" } ] } ] }""",
        ) shouldBe
            "toy.keys.json: 1 problem\n  line 1, ignore.a: say why this key is no weight"
    }

    test("a map of another version is refused") {
        errorOf(
            """{ "schema": "checkpoint-map/2", "model": "m", "sections": [ { "file": "f", "rules": [ { "from": "a", "to": "b" } ] } ] }""",
        ) shouldBe
            "toy.keys.json: 1 problem\n  line 1, schema: \"checkpoint-map/2\" is not known; this version reads \"checkpoint-map/1\""
    }

    test("a map that is read when it is asked tells its mistakes then, and its files before") {
        val map = CheckpointMap.whenAsked(
            "toy.keys.json",
            """{ "schema": "checkpoint-map/1", "model": "m", "sections": [ { "file": "{a,b}", "rules": [ { "from": "a" } ] } ] }""",
        )
        map.outline.files.single().text shouldBe "{a,b}"
        shouldThrow<MappingException> { map.sections }.message shouldBe
            "toy.keys.json: 1 problem\n  line 1, sections[0].rules[0]: the field \"to\" is missing"
    }

    test("a text that does not look like a map is refused at once") {
        for (text in listOf("[]", "{}", """{ "sections": [ {} ] }""", """{ "sections": [ { "file": "{" } ] }""")) {
            shouldThrow<MappingException> { CheckpointMap.whenAsked("toy.keys.json", text) }
        }
    }

    test("at a glance a configuration contradicts the constants that it has, and no others") {
        val map = CheckpointMap.whenAsked(
            "toy.keys.json",
            """{ "schema": "checkpoint-map/1", "model": "m", "sections": [ { "file": "f", "rules": [ { "from": "a", "to": "b" } ] } ],
            "config": { "file": "config.json", "keys": {
              "kind|type": { "is": "toy" }, "rope.kind": { "is": "default" }, "scale": { "is": 1, "with": "rope" }, "width": "embed" } } }""",
        )
        fun contradicts(text: String) = map.outline.isContradictedBy(Json.parseToJsonElement(text).jsonObject)

        map.outline.config shouldBe "config.json"
        contradicts("""{ "kind": "toy", "type": null, "scale": 2, "width": 3, "rope": { "kind": "other" } }""") shouldBe false
        contradicts("""{ "kind": "other" }""") shouldBe true
        contradicts("""{ "kind": "toy", "type": "other" }""") shouldBe true
    }
})
