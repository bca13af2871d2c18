package kumiko.dsl.mapping

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.element
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import kumiko.dsl.model
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.attention
import kumiko.dsl.spec.layerNorm
import kumiko.dsl.spec.linear
import kumiko.dsl.spec.mlp
import kumiko.dsl.spec.rotary
import kumiko.dsl.spec.sequentialResidual
import kumiko.dsl.spec.then
import kumiko.dsl.spec.tokens
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Pairing
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.ValueLayout
import java.nio.file.Files
import java.nio.file.Path

private fun toy(heads: Int, kvHeads: Int, headDim: Int, layers: Int): ModelSpec = model("toy") {
    val vocab by dim(24)
    val embed by dim(heads * headDim)
    val headCount by dim(heads)
    val groups by dim(kvHeads)
    val size by dim(headDim)
    val hidden by dim(4 * heads * headDim)
    val norm = layerNorm(embed, eps = 1e-5)
    val attn = norm then attention(
        embed,
        headCount,
        size,
        kvHeads = groups,
        bias = Bias.EVERYWHERE,
        positions = rotary(dims = size, base = 1e4, pairing = Pairing.ADJACENT),
    )
    embedding = tokens(vocab, embed)
    blocks(layers) { sequentialResidual(attn, norm then mlp(embed, hidden, Activation.GELU, bias = Bias.EVERYWHERE)) }
    head = norm then linear(embed, vocab)
}

private val common = """
    { "from": "norm{1,2}.{i}.{p}", "to": "blocks.{i}.{attention,ffn}.norm.{p}" MERGE0 },
    { "from": "final.{p}", "to": "head.norm.{p}" MERGE0 },
    { "from": "head", "to": "head.linear.weight" ROWS },
    { "from": "embed", "to": "embedding.tokens.weight" COLUMNS },
    { "from": "up.{i}.{p}", "to": "blocks.{i}.ffn.up.{p}" ROWS },
    { "from": "{down,out}.{i}.weight", "to": "blocks.{i}.{ffn.down,attention.out}.weight" COLUMNS },
    { "from": "{down,out}.{i}.bias", "to": "blocks.{i}.{ffn.down,attention.out}.bias" SUM },
"""

private fun layout(name: String, file: String, attention: String, sharded: Boolean): CheckpointMap {
    fun merge(word: String) = if (sharded) """, "merge": "$word" """ else ""
    val rules = (common + attention).replace("MERGE0", merge("duplicate")).replace("ROWS", merge("concat0"))
        .replace("COLUMNS", merge("concat1")).replace("SUM", merge("sum"))
    val sections = """[ { "file": "$file", "rules": [ $rules ] } ]"""
    return CheckpointMap.parse("$name.keys.json", """{ "schema": "checkpoint-map/1", "model": "toy", "sections": $sections }""")
}

private val separate = """
    { "from": "{q,k}.{i}.{p}", "to": "blocks.{i}.attention.{query,key}.{p}", "rope": "halves-to-adjacent" ROWS },
    { "from": "v.{i}.{p}", "to": "blocks.{i}.attention.value.{p}" ROWS }"""
private val fused = """{ "from": "qkv.{i}.{p}", "to": "blocks.{i}.attention.{query,key,value}.{p}", "split": "per-head" ROWS }"""
private val thirds =
    """{ "from": "qkv.{i}.{p}", "to": "blocks.{i}.attention.{query,key,value}.{p}", "split": "thirds", "transpose": true }"""

private fun contents(tensor: Tensor) = listOf(tensor.dtype(), tensor.shape(), tensor.data().toArray(ValueLayout.JAVA_BYTE).toList())

class ExportSpec : FunSpec({
    val root = tempdir().toPath()
    var count = 0

    val layouts = listOf(
        layout("separate", "model.safetensors", separate, sharded = false),
        layout("transposed", "model.pt", thirds, sharded = false),
        layout("ranks", "rank_{s}.pt", separate, sharded = true),
        layout("fused-ranks", "rank_{s:02}.safetensors", fused, sharded = true),
    )
    val catalog = object : Catalog {
        override val maps = layouts

        override fun spec(name: String) = throw MappingException("no configuration is read here")
    }

    fun folder(): Path = root.resolve("${count++}")

    fun bytes(folder: Path): Map<String, List<Any>> = Files.list(folder).use { files ->
        files.toList().filter { it.fileName.toString() != Remainder.FILE }.flatMap { path ->
            TensorFile.open(path).use { file -> file.names().map { "${path.fileName} $it" to contents(file.tensor(it)) } }
        }.toMap()
    }

    fun convert(from: Path, spec: ModelSpec, by: CheckpointMap, to: CheckpointMap, shards: Int): Path = folder().also { out ->
        CheckpointModel.open(from, catalog, by, spec).use { model ->
            model.load().use { CheckpointExport(to, spec, shards).write(out, model, it, catalog) }
        }
    }

    test("whatever one layout holds, another holds too, and gives back byte for byte") {
        val shapes = Arb.element(listOf(4, 4, 2), listOf(4, 2, 4), listOf(8, 4, 2), listOf(4, 4, 6))
        val types = Arb.element(DType.F32, DType.F16, DType.BF16)
        val anyLayout = Arb.element(layouts)
        checkAll(40, shapes, Arb.int(1..3), anyLayout, anyLayout, types, Arb.element(1, 2, 4)) { sizes, layers, a, b, type, shards ->
            val (heads, kvHeads, headDim) = sizes
            val spec = toy(heads, kvHeads, headDim, layers)
            val (n, m) = listOf(a, b).map { if ("ranks" in it.name) shards else 1 }
            val first = folder().also { CheckpointExport(a, spec, n).write(it, RandomParameters(7, type), catalog) }
            val second = convert(first, spec, a, b, m)
            bytes(convert(second, spec, b, a, n)) shouldBe bytes(first)
            bytes(convert(first, spec, a, a, n)) shouldBe bytes(first)
        }
    }

    test("the same seed gives the same files, another seed others") {
        val spec = toy(4, 2, 4, 2)
        val (one, same, other) = listOf(1L, 1L, 2L).map { seed ->
            folder().also { CheckpointExport(layouts[0], spec).write(it, RandomParameters(seed, DType.F32), catalog) }
        }
        bytes(one) shouldBe bytes(same)
        bytes(one).keys shouldBe bytes(other).keys
        (bytes(one) == bytes(other)) shouldBe false
    }

    test("zeros are left out of the files and read as zeros") {
        val spec = toy(4, 2, 4, 2)
        for (layout in listOf(layouts[0], layouts[1])) {
            val out = folder().also { CheckpointExport(layout, spec).write(it, ZeroParameters(DType.F32), catalog) }
            CheckpointModel.open(out, catalog, layout, spec).use { it.account.problems.shouldBeEmpty() }
            bytes(out).values.all { (_, _, data) -> (data as List<*>).all { it == 0.toByte() } } shouldBe true
        }
    }

    test("nothing is overwritten, and nothing is left behind where nothing can be written") {
        val spec = toy(4, 2, 4, 1)
        val full = Files.createDirectory(folder()).also { Files.writeString(it.resolve("a"), "b") }
        fun refusal(out: Path) =
            shouldThrow<MappingException> { CheckpointExport(layouts[0], spec).write(out, ZeroParameters(DType.F32), catalog) }.message
        refusal(full) shouldBe
            "$full: it exists already and is not an empty folder. Name a new folder; nothing is overwritten."
        val nowhere = root.resolve("absent").resolve("out")
        refusal(nowhere) shouldBe
            "$nowhere: the folder ${nowhere.parent} does not exist"
    }

    test("an export that breaks off leaves neither its folder nor a partial one") {
        val spec = toy(4, 2, 4, 2)
        val before = Files.list(root).use { it.toList().toSet() }
        val failing = object : ParameterSource {
            val random = RandomParameters(1, DType.F32)

            override fun dtype(parameter: Target) = DType.F32

            override fun get(parameter: Target, arena: java.lang.foreign.Arena) =
                if (parameter.name == "blocks.1.ffn.up.weight") throw MappingException("broken off") else random.get(parameter, arena)
        }
        val out = folder()
        shouldThrow<MappingException> { CheckpointExport(layouts[2], spec, 2).write(out, failing, catalog) }.message shouldBe "broken off"
        Files.list(root).use { it.toList().toSet() } shouldBe before
    }

    test("a number of shards that does not divide the model is refused before anything is written") {
        val spec = toy(4, 2, 4, 1)
        val refusal = shouldThrow<MappingException> {
            CheckpointExport(layouts[2], spec, 5).write(folder(), ZeroParameters(DType.F32), catalog)
        }
        refusal.message!!.lines().take(2) shouldBe
            listOf("toy cannot be written through map ranks:", "  head.linear.weight: 24 rows do not divide among 5 shards (line 4)")
    }
})
