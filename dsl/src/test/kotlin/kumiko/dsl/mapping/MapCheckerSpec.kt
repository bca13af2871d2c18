package kumiko.dsl.mapping

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import kumiko.dsl.mapping.MapFixtures.fused
import kumiko.dsl.mapping.MapFixtures.fusedKeys
import kumiko.dsl.mapping.MapFixtures.map
import kumiko.dsl.mapping.MapFixtures.tensor
import kumiko.runtime.tensor.DType

class MapCheckerSpec : FunSpec({
    fun check(keys: KeyList, vararg rules: String = fused, ignore: String = "{}", file: String = "model.safetensors") =
        MapChecker.check(map(*rules, ignore = ignore, file = file), MapFixtures.targets, keys)

    fun errorOf(account: KeyAccount) = shouldThrow<MappingException> { account.requireFit() }.message

    test("a checkpoint that fits has every key matched and every parameter filled once") {
        val account = check(fusedKeys())
        account.problems.shouldBeEmpty()
        account.matched.map { it.route.key } shouldBe
            listOf("wte", "h.0.qkv.weight", "h.0.qkv.bias", "h.1.qkv.weight", "h.1.qkv.bias", "h.0.up.weight", "h.1.up.weight")
        account.matched.flatMap { it.route.targets }.map { it.name }.toSet() shouldBe MapFixtures.targets.all.map { it.name }.toSet()
    }

    test("missing, unexpected, wrongly shaped and wrongly typed keys are reported together and by layer range") {
        val keys = fusedKeys { all ->
            all.filter { it.key != "h.1.qkv.bias" }.map {
                when (it.key) {
                    "wte" -> tensor("wte", 10, 8, dtype = DType.I32)
                    "h.0.up.weight", "h.1.up.weight" -> tensor(it.key, 12, 8)
                    else -> it
                }
            } + listOf(tensor("h.0.attn.bias", 1), tensor("h.1.attn.bias", 1), tensor("head", 10, 8))
        }
        errorOf(check(keys)) shouldBe """
            toy through map toy: 5 problems
              missing: blocks.1.attention.query.bias
                spec         [8] + [4] + [4]
                checkpoint   no h.1.qkv.bias in model.safetensors
              wrong shape: blocks.{0..1}.ffn.up.weight
                spec         [12, 8], stored as [8, 12]
                checkpoint   h.{0..1}.up.weight [12, 8] F32 in model.safetensors
                hint         the two axes are exchanged: this file stores [out, in], but line 5 of the map says "transpose"
              wrong type: embedding.tokens.weight
                spec         a floating type
                checkpoint   wte [10, 8] I32 in model.safetensors
                hint         weights have a fraction; this is no weight
              unexpected: h.{0..1}.attn.bias
                checkpoint   h.{0..1}.attn.bias [1] F32 in model.safetensors
                hint         nothing maps or ignores it
              unexpected: head
                checkpoint   head [10, 8] F32 in model.safetensors
                hint         nothing maps or ignores it
        """.trimIndent()
    }

    test("an unexpected key that is nearly a missing one of the same shape is named as such") {
        val keys = fusedKeys { all -> all.map { if (it.key == "wte") tensor("wtee", 10, 8) else it } }
        check(keys).problems.single { it.kind == ProblemKind.UNEXPECTED }.hint shouldBe "nothing maps it; is it the missing wte?"
    }

    test("an ignored key must belong to a layer of the model") {
        val keys = fusedKeys { it + tensor("h.1.mask", 3) + tensor("h.2.mask", 3) }
        val account = check(keys, ignore = """{ "h.{i}.mask": "a buffer" }""")
        account.ignored.map { it.tensor.key to it.reason } shouldBe listOf("h.1.mask" to "a buffer")
        account.problems.map { it.name } shouldBe listOf("h.2.mask")
    }

    test("a stored axis order that needs a transpose is hinted at") {
        val rules = fused.dropLast(1) + """{ "from": "h.{i}.up.weight", "to": "blocks.{i}.ffn.up.weight" }"""
        errorOf(check(fusedKeys(), *rules.toTypedArray())) shouldBe """
            toy through map toy: 1 problem
              wrong shape: blocks.{0..1}.ffn.up.weight
                spec         [12, 8]
                checkpoint   h.{0..1}.up.weight [8, 12] F32 in model.safetensors
                hint         the two axes are exchanged: a weight stored [in, out] needs "transpose": true in line 5 of the map
        """.trimIndent()
    }

    test("a key used by two rules and a parameter filled by two are duplicated") {
        val twice = fused + """{ "from": "wte", "to": "embedding.tokens.weight" }"""
        errorOf(check(fusedKeys(), *twice)) shouldBe """
            toy through map toy: 2 problems
              duplicated: wte
                spec         lines 3 and 6 of map toy both use it
                checkpoint   wte [10, 8] F32 in model.safetensors
              duplicated: embedding.tokens.weight
                spec         [10, 8]
                checkpoint   filled by wte and wte (lines 3 and 6 of map toy)
        """.trimIndent()
    }

    test("a parameter that no rule fills is missing, and a rule that misspells it is named") {
        val rules = fused.toMutableList().also { it[0] = """{ "from": "wte", "to": "embedding.token.weight" }""" }
        errorOf(check(fusedKeys(), *rules.toTypedArray())) shouldBe """
            toy through map toy: 2 problems
              missing: embedding.tokens.weight
                spec         [10, 8]
                checkpoint   no rule of map toy fills it
                hint         line 3 of map toy fills embedding.token.weight, which the model does not have
              unexpected: wte
                checkpoint   wte [10, 8] F32 in model.safetensors
                hint         nothing maps or ignores it
        """.trimIndent()
    }

    test("thirds joined by rows over several shards are refused, per-head ones are not") {
        fun rules(split: String) = arrayOf(
            """{ "from": "wte", "to": "embedding.tokens.weight", "merge": "concat0" }""",
            """{ "from": "h.{i}.qkv.{p}", "to": "blocks.{i}.attention.{query,key,value}.{p}", "merge": "concat0", "split": "$split" }""",
            """{ "from": "h.{i}.up.weight", "to": "blocks.{i}.ffn.up.weight", "merge": "concat1" }""",
        )
        fun keys(shards: Int) = KeyList(
            (0 until shards).associate { s ->
                val file = "part_%02d.pt".format(s)
                fun part(key: String, vararg shape: Long) = tensor(key, *shape, file = file)
                file to listOf(part("wte", 10L / shards, 8)) + (0..1).flatMap { i ->
                    listOf(
                        part("h.$i.qkv.weight", 16L / shards, 8),
                        part("h.$i.qkv.bias", 16L / shards),
                        part("h.$i.up.weight", 12, 8L / shards),
                    )
                }
            },
            shards,
        )
        check(keys(2), *rules("per-head"), file = "part_{s:02}.pt").problems.shouldBeEmpty()
        check(keys(1), *rules("thirds"), file = "part_{s:02}.pt").problems.shouldBeEmpty()
        errorOf(check(keys(2), *rules("thirds"), file = "part_{s:02}.pt")) shouldBe """
            toy through map toy: 2 problems
              rule cannot apply: blocks.{0..1}.attention.query.weight
                hint         "thirds" over 2 shards joined by concat0 would mix the parts: each shard has its own thirds (line 4 of map toy)
              rule cannot apply: blocks.{0..1}.attention.query.bias
                hint         "thirds" over 2 shards joined by concat0 would mix the parts: each shard has its own thirds (line 4 of map toy)
        """.trimIndent()
    }

    test("shards that divide a tensor along the other axis are told apart") {
        val rule = """{ "from": "wte", "to": "embedding.tokens.weight", "merge": "concat1" }"""
        val targets = Targets("toy", 1, listOf(Target("embedding.tokens.weight", listOf(10, 8))))
        val keys = KeyList((0..1).associate { s -> "p$s" to listOf(tensor("wte", 5, 8, file = "p$s")) }, 2)
        errorOf(MapChecker.check(map(rule, file = "p{s}"), targets, keys)) shouldBe """
            toy through map toy: 2 problems
              wrong shape: embedding.tokens.weight
                spec         [10, 8], stored as [10, 4]
                checkpoint   wte [5, 8] F32 in p0
                hint         the shards divide this tensor along the other axis: "merge" would be "concat0" in line 3 of the map
              wrong shape: embedding.tokens.weight
                spec         [10, 8], stored as [10, 4]
                checkpoint   wte [5, 8] F32 in p1
                hint         the shards divide this tensor along the other axis: "merge" would be "concat0" in line 3 of the map
        """.trimIndent()
    }

    test("a missing file is one problem, not one for each of its keys") {
        val targets = Targets("toy", 2, (0..1).map { Target("blocks.$it.norm.weight", listOf(4)) })
        val keys = KeyList(mapOf("layer_02" to listOf(tensor("n", 4, file = "layer_02"))), 1)
        val rule = """{ "from": "n", "to": "blocks.{i}.norm.weight" }"""
        errorOf(MapChecker.check(map(rule, file = "layer_{i+2:02}"), targets, keys)) shouldBe """
            toy through map toy: 1 problem
              missing file: layer_03
                checkpoint   no file layer_03
                hint         fetch or export the checkpoint again
        """.trimIndent()
    }

    test("a tied key repeats a parameter where the model has none of its own") {
        val tie = """{ "from": "head", "to": "head.linear.weight", "tie": "embedding.tokens.weight" }"""
        val account = check(fusedKeys { it + tensor("head", 10, 8) }, *(fused + tie))
        account.problems.shouldBeEmpty()
        account.matched.single { it.tied }.route.targets.map { it.name } shouldBe listOf("embedding.tokens.weight")
        check(fusedKeys(), *(fused + tie)).problems.map { it.kind to it.name } shouldBe listOf(ProblemKind.MISSING to "head")
        check(fusedKeys(), *(fused + tie.replace("}", ", \"optional\": true }"))).problems.shouldBeEmpty()
    }
})
