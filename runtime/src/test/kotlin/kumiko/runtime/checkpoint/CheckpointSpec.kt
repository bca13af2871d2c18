package kumiko.runtime.checkpoint

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Shape
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import java.util.concurrent.Callable
import java.util.concurrent.Executors

private fun source(name: String, vararg values: Float): TensorSource =
    TensorSource.of(name, DType.F32, Shape.of(values.size.toLong()), listOf(MemorySegment.ofArray(floats(*values))))

private fun one(name: String) = listOf(source(name, 1f))

class CheckpointSpec : FunSpec({
    val root = folder()

    fun directory(name: String, fill: Path.() -> Unit): Path = Files.createDirectory(root.resolve(name)).apply(fill)

    fun Path.safetensors(name: String, vararg tensors: String) =
        SafetensorsWriter.write(resolve(name), tensors.map { source(it, 1f, 2f) }, mapOf())

    fun Path.index(weights: String) = Files.writeString(resolve("model.safetensors.index.json"), """{"weight_map": {$weights}}""")

    fun refusal(path: Path, use: (Checkpoint) -> Unit = {}): String =
        shouldThrow<CheckpointException> { Checkpoint.open(path).use(use) }.message!!

    test("the preferred layout comes first, and every layout's files can be asked for") {
        val path = directory("both") {
            safetensors("model.safetensors", "a")
            TorchWriter.write(resolve("pytorch_model.bin"), one("b"))
            safetensors("expected.safetensors", "c")
        }
        Checkpoint.open(path).use {
            it.files() shouldBe listOf("model.safetensors", "pytorch_model.bin")
            it.names() shouldBe listOf("a")
            it.file("pytorch_model.bin").names() shouldBe listOf("b")
            it.tensor("a").bytes() shouldBe floats(1f, 2f)
            it.contains("b") shouldBe false
        }
    }

    test("one container file or an index file is a checkpoint too") {
        val path = directory("single") {
            safetensors("weights.safetensors", "a")
            index("\"a\": \"weights.safetensors\"")
        }
        Checkpoint.open(path.resolve("weights.safetensors")).use { it.names() shouldBe listOf("a") }
        Checkpoint.open(path.resolve("model.safetensors.index.json")).use { it.names() shouldBe listOf("a") }
        Files.move(path.resolve("model.safetensors.index.json"), path.resolve("weights.safetensors.index.json"))
        Checkpoint.open(path.resolve("weights.safetensors.index.json")).use { it.files() shouldBe listOf("weights.safetensors") }
    }

    test("names that come again in other shards must be asked for file by file") {
        val path = directory("parallel") { for (i in 0..1) TorchWriter.write(resolve("consolidated.0$i.pth"), one("norm.weight")) }
        Checkpoint.open(path).use { it.file("consolidated.01.pth").names() shouldBe listOf("norm.weight") }
        refusal(path) { it.names() } shouldBe
            "$path: 1 tensor names (\"norm.weight\" first) come in several of its 2 files, " +
            "as in a checkpoint split for tensor parallelism. " +
            "Expected: every name once. Ask for tensors file by file, or use a map that merges the shards."
    }

    test("a shard that the index misses or overfills is refused with the names") {
        val path = directory("disagree") {
            safetensors("x.safetensors", "a", "c")
            index("\"a\": \"x.safetensors\", \"b\": \"x.safetensors\"")
        }
        refusal(path) { it.file("x.safetensors") } shouldBe
            "${path.resolve("x.safetensors")}: it lacks 1 tensors (\"b\") and has, against the index, 1 tensors (\"c\"). " +
            "Expected: exactly the tensors that model.safetensors.index.json places in it. " +
            "The index and the shard come from different versions: fetch both again."
    }

    test("files that an index names must be there, and in the same directory") {
        val missing = directory("missing") { index("\"a\": \"x.safetensors\", \"b\": \"y.safetensors\"") }
        refusal(missing) shouldBe
            "${missing.resolve(
                "model.safetensors.index.json",
            )}: the index names files that are not beside it: x.safetensors, y.safetensors. " +
            "Expected: a complete set of files. Fetch the missing files."
        val outside = directory("outside") { index("\"a\": \"../both/model.safetensors\"") }
        refusal(outside) shouldContain
            "found the file name \"../both/model.safetensors\". Expected: the name of a file in the same directory."
        val empty = directory("empty-index") { Files.writeString(resolve("model.safetensors.index.json"), "{}") }
        refusal(empty) shouldContain "it has no weight_map. Expected: a weight_map that names the file of each tensor."
    }

    test("missing shards are named, per layer where there are layers") {
        val meta = directory("meta-gap") { for (i in listOf(0, 2)) TorchWriter.write(resolve("consolidated.0$i.pth"), one("w")) }
        refusal(meta) shouldBe "$meta: shards are missing: there should be 3, numbered from 00, but found shards [0, 2]. " +
            "Expected: a complete set of files. Fetch the missing files."
        val layers = directory("layer-gap") {
            for (file in listOf("00-model_00", "00-model_01", "02-model_01")) {
                TorchWriter.write(resolve("layer_$file-model_states.pt"), one("w"))
            }
        }
        refusal(layers) shouldContain "there should be 2, numbered from 00, but found layer 02 has shards [1]."
    }

    test("a directory without a checkpoint says what it has and what is looked for") {
        val path = directory("none") { safetensors("expected.safetensors", "a") }
        refusal(path) shouldStartWith
            "$path: no checkpoint was found in this directory; it has expected.safetensors. Expected: model.safetensors or"
        refusal(root.resolve("absent")) shouldBe
            "${root.resolve("absent")}: there is no such file or directory. Expected: a checkpoint. Check the path for a typing mistake."
    }

    test("a file or a name that the checkpoint lacks is refused") {
        val path = directory("small") { safetensors("model.safetensors", "a") }
        refusal(path) { it.file("other.pt") } shouldBe
            "$path: there is no checkpoint file \"other.pt\" in it, but model.safetensors. Use one of these."
        refusal(path) { it.tensor("b") } shouldBe "$path: none of its 1 tensors is named \"b\". Use a name that the checkpoint lists."
        val closed = Checkpoint.open(path).apply { close() }
        shouldThrow<CheckpointException> { closed.file("model.safetensors") }.message shouldContain "after the checkpoint was closed"
    }

    test("several threads read one checkpoint, and copy a strided tensor once") {
        val turned = torchFile(floats(1f, 2f, 3f, 4f), listOf(2, 2), listOf(1, 2))
        val path = directory("threads") { Files.write(resolve("model.pt"), turned) }
        Checkpoint.open(path).use { checkpoint ->
            val tensors = Executors.newFixedThreadPool(4).use { pool ->
                pool.invokeAll(
                    List(64) {
                        Callable { checkpoint.tensor("w").also { it.bytes() shouldBe floats(1f, 3f, 2f, 4f) } }
                    },
                ).map { it.get() }
            }
            tensors.map { it.data().address() }.distinct().size shouldBe 1
        }
    }

    test("a file of 20 GB opens without being read") {
        val size = 20L shl 30
        val header = """{"big": {"dtype": "F16", "shape": [10240, 1048576], "data_offsets": [0, $size]}}"""
        val path = root.file("big.safetensors", safetensors(header))
        val length = Files.size(path) + size
        FileChannel.open(path, StandardOpenOption.WRITE).use { it.write(ByteBuffer.wrap(byteArrayOf(1)), length - 1) }
        TensorFile.open(path).use { file ->
            val data = file.tensor("big").data()
            data.byteSize() shouldBe size
            data.get(ValueLayout.JAVA_BYTE, size - 1) shouldBe 1
        }
        Files.delete(path)
    }
})
