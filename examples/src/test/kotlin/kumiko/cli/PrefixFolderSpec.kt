package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.jsonObject
import kumiko.architectures.Maps
import kumiko.architectures.chatGlm6b
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.Dim
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.activation
import kumiko.dsl.spec.blockPositions
import kumiko.dsl.spec.dim
import kumiko.dsl.spec.linear
import kumiko.dsl.spec.named
import kumiko.dsl.spec.prefixRows
import kumiko.dsl.spec.replace
import kumiko.dsl.spec.shrunk
import kumiko.dsl.spec.then
import kumiko.dsl.spec.times
import kumiko.runtime.checkpoint.Checkpoint
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.checkpoint.TorchWriter
import kumiko.runtime.graph.Activation
import kumiko.runtime.tensor.DType
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.createDirectory
import kotlin.io.path.readText
import kotlin.io.path.writeText

/** `--prefix`: weights of a tuned prefix in a folder of their own, as the tuning of ChatGLM-6B saves them. */
class PrefixFolderSpec : FunSpec({
    val root = tempdir().toPath()

    fun good(vararg arguments: String): String = kumiko(*arguments, width = 160).also { check(it.code == Exit.GOOD) { it } }.out

    fun refused(vararg arguments: String): String {
        val ran = kumiko(*arguments)
        ran.code shouldBe Exit.BAD_INPUT
        return ran.err.replace("$root", "R")
    }

    fun withoutPrefix(config: Path): String = Json.parseToJsonElement(config.readText()).jsonObject
        .let { JsonObject(it - "pre_seq_len" - "prefix_projection") }.toString()

    /** A checkpoint in two folders: without its prefix, and the prefix alone with the configuration of the whole. */
    fun divided(whole: Path, name: String): Pair<Path, Path> {
        val (base, tuned) = listOf("$name-base", "$name-tuned").map { root.resolve(it).createDirectory() }
        Checkpoint.open(whole).use { checkpoint ->
            val tensors = checkpoint.files().map(checkpoint::file).flatMap { file ->
                file.names().map { TensorSource.of(it, file.tensor(it)) }
            }
            val (prefix, rest) = tensors.partition { "prefix_encoder" in it.name() }
            TorchWriter.write(base.resolve("pytorch_model.bin"), rest)
            TorchWriter.write(tuned.resolve("pytorch_model.bin"), prefix)
        }
        base.resolve("config.json").writeText(withoutPrefix(whole.resolve("config.json")))
        Files.copy(whole.resolve("config.json"), tuned.resolve("config.json"))
        return base to tuned
    }

    /** ChatGLM of two layers with a projected prefix. */
    val whole = root.resolve("whole").also { folder ->
        val small = chatGlm6b.shrunk(2, "vocab" to 40, "embed" to 16, "heads" to 2).copy(positions = blockPositions(30, 31, 34))
        val embed = small.dim("embed")
        val prefix = prefixRows(
            Dim.of(4),
            embed,
        ) then linear(embed, embed, Bias.EVERYWHERE).named("up") then activation(Activation.TANH) then
            linear(embed, 2 * 2 * embed, Bias.EVERYWHERE).named("down")
        CheckpointExport(Maps["chatglm-6b"], small.copy(prefix = prefix)).write(folder, RandomParameters(5, DType.F32), Maps)
    }
    val (base, tuned) = divided(whole, "small")

    test("a checkpoint and a prefix beside it are the whole model, to run and to convert") {
        val trace = root.resolve("trace.safetensors")
        good("trace", "$whole", "--ids", "5,31,34,7", "--capture", "logits", "--out", "$trace")
        good("parity", "$base", "$trace", "--prefix", "$tuned", "--atol", "0")
        kumiko("parity", "$base", "$trace", "--atol", "1e-4").code shouldBe Exit.CHECK_FAILED
        val joined = root.resolve("joined")
        good("convert", "$base", "--prefix", "$tuned", "--to", "chatglm-6b", "--out", "$joined")
        good("parity", "$joined", "$trace", "--atol", "0")
    }

    test(
        "the tuned reference, its prefix in a folder of its own, is within every tolerance",
    ).config(enabledOrReasonIf = Reference.present) {
        val reference = Reference.folder("chatglm-6b-ptuning")
        val (plain, prefix) = divided(reference, "reference")
        good("parity", "$plain", "$reference", "--prefix", "$prefix")
        good("check", "$plain", "--prefix", "$prefix") shouldContain "prefix.rows.weight"
    }

    test("a prefix that does not belong to the checkpoint is refused, and why") {
        refused("check", "$whole", "--prefix", "$tuned") shouldContain "R/whole has a prefix already; leave out the one in R/small-tuned"
        refused("check", "$base", "--prefix", "$base") shouldContain "R/small-base/config.json describes no prefix"
        val wider = root.resolve("wider").createDirectory()
        val config = tuned.resolve("config.json").readText()
        wider.resolve("config.json").writeText(config.replace("\"inner_hidden_size\": 64", "\"inner_hidden_size\": 80"))
        refused("check", "$base", "--prefix", "$wider") shouldContain "R/wider/config.json describes another model than the one in " +
            "R/small-base: a prefix fits only the model it was tuned for"
        refused("check", "$base", "--prefix", "$root/none") shouldContain "R/none: there is no such file or directory"
        val empty = root.resolve("empty").createDirectory().also { Files.copy(tuned.resolve("config.json"), it.resolve("config.json")) }
        val ran = kumiko("check", "$base", "--prefix", "$empty")
        ran.code shouldBe Exit.CHECK_FAILED
        ran.out shouldContain "missing: prefix.rows.weight"
    }

    test("check says what the bytes of the head decided") {
        good("check", "$base") shouldContain
            "lm_head.weight repeats the bytes of embedding.tokens.weight, so the model is tied and one copy is used\n"
        val own = root.resolve("own")
        CheckpointExport(Maps["chatglm-6b"], untied()).write(own, RandomParameters(5, DType.F32), Maps)
        good(
            "check",
            "$own",
        ) shouldContain "lm_head.weight differs from embedding.tokens.weight, in row 0 first, so it is a parameter of its own\n"
    }
})

private fun untied() = chatGlm6b.shrunk(2, "vocab" to 40, "embed" to 16, "heads" to 2).copy(positions = blockPositions(30, 31, 34))
    .let { small -> small.replace<TiedToTokens> { linear(small.dim("embed"), small.dim("vocab")) } }
