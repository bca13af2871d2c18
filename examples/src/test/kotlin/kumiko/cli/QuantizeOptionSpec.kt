package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldEndWith
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.LoadProgress
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.run.Quantisation
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout
import java.nio.file.Path

/** `--quantize`: a run with weights in another format. */
class QuantizeOptionSpec : FunSpec({
    val root = tempdir().toPath()
    val llama = TinyCheckpoints.llama(root.resolve("llama"))

    fun trace(out: String, vararg options: String): Path = root.resolve(out).also {
        val ran = kumiko("trace", "$llama", "--ids", "1,2,3", "--capture", "*", "--out", "$it", *options)
        check(ran.code == Exit.GOOD) { ran }
    }

    fun TensorFile.floats(name: String) = tensor(name).data().toArray(ValueLayout.JAVA_FLOAT).toList()

    test("a run with quantised weights has the nodes of the model and other numbers, int8 its rounded activations too") {
        TensorFile.open(trace("none", "--quantize", "none")).use { plain ->
            for (format in listOf("int8:6.0", "q8_0", "q4_0")) {
                TensorFile.open(trace(format.filter { it.isLetterOrDigit() }, "--quantize", format)).use { quantised ->
                    quantised.names().filter { !it.endsWith(".int8") } shouldBe plain.names()
                    (quantised.names() != plain.names()) shouldBe (format == "int8:6.0")
                    quantised.floats("embedding") shouldBe plain.floats("embedding")
                    quantised.floats("logits") shouldNotBe plain.floats("logits")
                }
            }
        }
    }

    test("generate writes on with quantised weights, the same in every run") {
        for (format in listOf("int8:6.0", "q8_0", "q4_0")) {
            val runs = List(2) { kumiko("generate", "$llama", "--ids", "1,2", "--tokens", "4", "--quantize", format) }
            runs[0].code shouldBe Exit.GOOD
            runs[0].out.trim().split(",").size shouldBe 4
            runs[1] shouldBe runs[0]
        }
    }

    test("parity tells what the weights are in and what that costs, and fails nothing") {
        val reference = trace("reference")
        val ran = kumiko("parity", "$llama", "$reference", "--atol", "1e-6", "--quantize", "q4_0", width = 160)
        ran.code shouldBe Exit.GOOD
        ran.out.lines().first() shouldContain "F32 activations"
        ran.out.lines().first() shouldEndWith ", weights in q4_0"
        ran.out shouldContain "OFF in sequence 0"
        kumiko("parity", "$llama", "$reference", "--atol", "1e-6").code shouldBe Exit.GOOD
    }

    test("a format that is none is refused with those there are") {
        val ran = kumiko("generate", "$llama", "--ids", "1", "--quantize", "q5_1")
        ran.code shouldBe Exit.BAD_INPUT
        ran.err shouldContain "\"q5_1\" is no quantisation: choose int8:6.0, q8_0, q4_0 or none"
    }

    test("loading tells how far the copies are, and what is closed takes them with it") {
        CheckpointModel.open(llama, Maps).use { checkpoint ->
            val told = ArrayList<LoadProgress>()
            checkpoint.load(Quantisation.Q4_0(), threads = 1, told::add).use { weights ->
                weights.quantisation() shouldBe Quantisation.Q4_0()
                weights.quantised!!.changes().size shouldBe 12
                weights.quantised!!.kept().values.distinct() shouldBe listOf("rows of 44 are no multiple of 32")
                weights["blocks.1.ffn.up.weight"]!!.dtype() shouldBe DType.Q4_0
                weights.parameters.getValue("blocks.1.ffn.up.weight").dtype() shouldBe DType.F32
            }
            told.size shouldBe 12
            told.map { it.layer } shouldBe List(6) { 0 } + List(6) { 1 }
            told.zipWithNext().all { (a, b) -> a.bytes < b.bytes } shouldBe true
            // The last layer's down projection, which is kept, is the only thing left.
            told.last().totalBytes - told.last().bytes shouldBe 2 * 4L * 32 * 44
        }
    }

    test("a checkpoint with a number that is none is refused by name") {
        val damaged = TinyCheckpoints.llama(root.resolve("damaged"))
        val file = damaged.resolve("model.safetensors")
        TensorFile.open(llama.resolve("model.safetensors")).use { whole ->
            Arena.ofConfined().use { arena ->
                val tensors = whole.names().map { name ->
                    val tensor = whole.tensor(name)
                    val copy = arena.allocate(tensor.data().byteSize(), 64).copyFrom(tensor.data())
                    if (name == "model.layers.1.mlp.up_proj.weight") Elements.set(DType.F32, copy, 32L * 3 + 7, Double.NaN)
                    TensorSource.of(name, tensor.dtype(), tensor.shape(), listOf(copy))
                }
                SafetensorsWriter.write(file, tensors, whole.metadata())
            }
        }
        val ran = kumiko("generate", "$damaged", "--ids", "1", "--quantize", "q8_0")
        ran.code shouldBe Exit.BAD_INPUT
        ran.err shouldBe "damaged: 1 weight cannot be quantised; is the checkpoint damaged?\n" +
            "  blocks.1.ffn.up.weight  element [3, 7] is NaN, but q8_0 holds numbers up to 8319008.0\n"
    }
})
