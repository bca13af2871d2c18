package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.testing.Golden
import java.lang.foreign.Arena
import java.nio.file.Files
import java.nio.file.Path

class TraceAndParityCommandSpec : FunSpec({
    val root = tempdir().toPath()
    val gpt2 = TinyCheckpoints.gpt2(root.resolve("gpt2"))
    val llama = TinyCheckpoints.llama(root.resolve("llama"))

    fun trace(checkpoint: Path, out: String, vararg patterns: String): Path = root.resolve(out).also { file ->
        val captures = patterns.flatMap { listOf("--capture", it) }.toTypedArray()
        val ran = kumiko("trace", "$checkpoint", "--ids", "1,2,3", "--out", "$file", *captures)
        check(ran.code == Exit.GOOD) { ran }
    }

    fun refused(vararg arguments: String): String {
        val ran = kumiko(*arguments)
        ran.code shouldBe Exit.BAD_INPUT
        ran.out shouldBe ""
        return ran.err.replace("$root", "R")
    }

    test("a trace holds the chosen nodes in float32 and the ids it is of") {
        TensorFile.open(trace(gpt2, "some.safetensors", "blocks.*", "logits")).use { file ->
            file.metadata() shouldBe mapOf("ids" to "1,2,3", "model" to "gpt2")
            file.entry("logits").shape().toString() shouldBe "[3, 262]"
            file.entry("blocks.1.attention.probabilities").shape().toString() shouldBe "[3, 3, 3]"
            file.entry("blocks.0.attention.keys").shape().toString() shouldBe "[3, 3, 8]"
            file.names().map { file.entry(it).dtype() }.distinct().shouldContainExactly(DType.F32)
            file.contains("embedding") shouldBe false
        }
    }

    test("a trace says what it wrote") {
        val file = root.resolve("two.safetensors")
        val ran = kumiko("trace", "$gpt2", "--ids", "1,2", "--capture", "embedding", "--capture", "head.norm", "--out", "$file")
        ran.out.replace("$root", "R") shouldBe
            """
            node       shape
            ──────────────────
            embedding  [2, 24]
            head.norm  [2, 24]
            2 values in R/two.safetensors

            """.trimIndent()
    }

    test("a node takes the value it has in another trace, or none, and what follows goes on from there") {
        fun logits(file: Path): List<Double> = TensorFile.open(file).use { open ->
            open.tensor("logits").let { t -> List(t.shape().elements().toInt()) { Elements.get(DType.F32, t.data(), it.toLong()) } }
        }

        fun edited(out: String, ids: String, vararg replace: String): Path = root.resolve(out).also { file ->
            val edits = replace.flatMap { listOf("--replace", it) }.toTypedArray()
            kumiko("trace", "$gpt2", "--ids", ids, "--capture", "logits", "--out", "$file", *edits).code shouldBe Exit.GOOD
        }
        val other = trace(gpt2, "donor.safetensors", "blocks.*", "logits")
        logits(edited("patched.safetensors", "7,8,9", "blocks.1=$other")) shouldBe logits(other)
        val ablated = logits(edited("ablated.safetensors", "1,2,3", "blocks.1.ffn.down=0"))
        (ablated == logits(other)) shouldBe false
        val file = "$root/none.safetensors"
        refused("trace", "$gpt2", "--ids", "7,8", "--capture", "logits", "--out", file, "--replace", "blocks.1=$other") shouldBe
            "--replace blocks.1: the file has [3, 24], but the node is [2, 24] here. Trace the other values over as many tokens.\n"
        refused("trace", "$gpt2", "--ids", "7", "--capture", "logits", "--out", file, "--replace", "blocks.1") shouldBe
            "--replace blocks.1: say NODE=FILE with a file from trace, or NODE=0.\n"
        refused("trace", "$gpt2", "--ids", "7", "--capture", "logits", "--out", file, "--replace", "head.norm=$other") shouldContain
            ": the file has no tensor head.norm; it has "
    }

    test("what cannot be traced is refused and leaves no file") {
        val file = "$root/none.safetensors"
        refused("trace", "$gpt2", "--ids", "1", "--capture", "blocks.7.ffn", "--out", file) shouldBe
            "gpt2: 1 problem\n  no node is called blocks.7.ffn; capture a canonical name, * stands for any characters\n"
        refused("trace", "$gpt2", "--ids", "1,300", "--capture", "*", "--out", file) shouldContain "token id 300"
        refused("trace", "$gpt2", "--ids", (0..16).joinToString(","), "--capture", "*", "--out", file) shouldContain "16 learned positions"
        refused("trace", "$gpt2", "--ids", "1", "--capture", "*", "--out", "$root/nowhere/none.safetensors") shouldContain "R/nowhere"
        val left = Files.list(root).use { it.map { f -> f.fileName.toString() }.toList() }
        left.filter { "none" in it || "partial" in it } shouldBe emptyList()
    }

    for (checkpoint in listOf(gpt2, llama)) {
        test("a model is within rounding of its own trace, in both arithmetics: ${checkpoint.fileName}") {
            val file = trace(checkpoint, "${checkpoint.fileName}.safetensors", "*")
            kumiko("parity", "$checkpoint", "$file", "--atol", "0").code shouldBe Exit.GOOD
            kumiko("parity", "$checkpoint", "$file", "--atol", "1e-4", "--float64").code shouldBe Exit.GOOD
        }
    }

    /** The trace with one number changed. */
    fun spoilt(file: Path, node: String, by: Double): Path = root.resolve("spoilt.safetensors").also { out ->
        TensorFile.open(file).use { whole ->
            Arena.ofConfined().use { arena ->
                val tensors = whole.names().map { name ->
                    val tensor = whole.tensor(name)
                    val copy = arena.allocate(tensor.data().byteSize(), 64).copyFrom(tensor.data())
                    if (name == node) Elements.set(DType.F32, copy, 5, Elements.get(DType.F32, copy, 5) + by)
                    TensorSource.of(name, tensor.dtype(), tensor.shape(), listOf(copy))
                }
                SafetensorsWriter.write(out, tensors, whole.metadata())
            }
        }
    }

    test("a number that is off fails the comparison and is named with its node and place") {
        val file = spoilt(trace(llama, "whole.safetensors", "*"), "blocks.1.ffn.down", 0.25)
        val ran = kumiko("parity", "$llama", "$file", "--atol", "1e-3", width = 160)
        ran.code shouldBe Exit.CHECK_FAILED
        ran.out shouldContain "First over its tolerance: blocks.1.ffn.down (blocks.1.ffn.down) in sequence 0, element 5, " +
            "off by 2.50e-01 where 1.00e-03 is allowed."
        val json = Json.parseToJsonElement(kumiko("parity", "$llama", "$file", "--atol", "1e-3", "--json").out).jsonObject
        json.getValue("good").jsonPrimitive.boolean shouldBe false
        json.getValue("firstOverTolerance").jsonPrimitive.content shouldBe "blocks.1.ffn.down"
        json.getValue("nodes").jsonArray.filter { !it.jsonObject.getValue("good").jsonPrimitive.boolean }
            .map { it.jsonObject.getValue("node").jsonPrimitive.content }.shouldContainExactlyInAnyOrder("blocks.1.ffn.down")
    }

    test("a configuration that says another epsilon is found out, in words and for programs") {
        val file = trace(llama, "right.safetensors", "embedding", "blocks.*.attention.query", "logits")
        val wrong = root.resolve("wrong").also { llama.toFile().copyRecursively(it.toFile()) }
        val config = wrong.resolve("config.json")
        Files.writeString(config, Files.readString(config).replace(Regex("\"rms_norm_eps\": [^,\\s]+"), "\"rms_norm_eps\": 0.001"))
        val ran = kumiko("parity", "$wrong", "$file", "--atol", "1e-5", width = 160)
        ran.code shouldBe Exit.CHECK_FAILED
        // The errors, and the processor, are another machine's.
        val told = ran.out.lines().drop(1).joinToString("\n").replace(Regex("[0-9]\\.[0-9]{2}e-[0-9]{2}"), "#.##e-##")
            .replace(Regex("0\\.9{3}[0-9]*|1\\.0{9}"), "0.999999999")
        Golden.check("parity/epsilon.txt", told)
        val found = Json.parseToJsonElement(kumiko("parity", "$wrong", "$file", "--atol", "1e-5", "--json").out).jsonObject
        val diagnosis = found.getValue("diagnosis").jsonObject
        diagnosis.getValue("verdict").jsonPrimitive.content shouldBe "fault"
        diagnosis.getValue("node").jsonPrimitive.content shouldBe "blocks.0.attention.query"
        diagnosis.getValue("causes").jsonArray.first().jsonObject.getValue("cause").jsonPrimitive.content shouldBe "norm-epsilon"
    }

    test("a reference that is none, of another model, or without tolerances is refused") {
        val file = trace(gpt2, "gpt2-logits.safetensors", "logits")
        refused("parity", "$gpt2", "$file") shouldBe
            "R/gpt2-logits.safetensors: names no tolerance for \"logits\". Say with --atol how far it may be off.\n"
        refused("parity", "$llama", "$file", "--atol", "1") shouldBe
            "R/gpt2-logits.safetensors: \"logits\" is [3, 262], but llama computes logits [3, 40]; is it another model?\n"
        refused("parity", "$gpt2", "$gpt2") shouldBe
            "R/gpt2/input.json: there is no such file. A reference is a folder with input.json and expected.safetensors, " +
            "or a trace file.\n"
        refused("parity", "$gpt2", "$gpt2/model.safetensors", "--atol", "1") shouldBe
            "R/gpt2/model.safetensors: does not say which token ids it was made from; a trace has them in its metadata " +
            "as \"ids\".\n"
        val other = trace(llama, "llama-inner.safetensors", "blocks.0.ffn.gate")
        refused("parity", "$gpt2", "$other", "--atol", "1") shouldBe
            "R/llama-inner.safetensors: gpt2 has no node for the tensor \"blocks.0.ffn.gate\". A reference for another model, " +
            "or a name that is in no table.\n"
    }
})
