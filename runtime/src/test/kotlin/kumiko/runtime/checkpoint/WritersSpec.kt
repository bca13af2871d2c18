package kumiko.runtime.checkpoint

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.property.Arb
import io.kotest.property.arbitrary.bind
import io.kotest.property.arbitrary.enum
import io.kotest.property.arbitrary.filter
import io.kotest.property.arbitrary.int
import io.kotest.property.arbitrary.list
import io.kotest.property.arbitrary.long
import io.kotest.property.arbitrary.map
import io.kotest.property.arbitrary.string
import io.kotest.property.checkAll
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Shape
import java.lang.foreign.MemorySegment
import java.nio.file.Files
import java.nio.file.Path
import java.util.zip.ZipFile
import kotlin.random.Random

private val plainType = Arb.enum<DType>().filter { !it.isQuantised }

private val sources = Arb.list(
    Arb.bind(plainType, Arb.list(Arb.long(0L..4L), 0..4), Arb.int()) { type, dims, seed ->
        val shape = Shape.of(*dims.toLongArray())
        Triple(type, shape, Random(seed).nextBytes(type.bytes(shape.elements()).toInt()))
    },
    0..6,
)

private fun named(tensors: List<Triple<DType, Shape, ByteArray>>, names: List<String>): List<TensorSource> =
    tensors.zip(names).map { (tensor, name) ->
        TensorSource.of(name, tensor.first, tensor.second, listOf(MemorySegment.ofArray(tensor.third)))
    }

private val names = Arb.list(
    Arb.string(0..12).filter { text ->
        text.none(Char::isSurrogate)
    },
    6..6,
).map { it.mapIndexed { i, text -> "$i$text" } }

private fun same(file: TensorFile, prefix: String, tensors: List<Triple<DType, Shape, ByteArray>>, written: List<TensorSource>) {
    file.names() shouldContainExactly written.map { prefix + it.name() }
    written.forEachIndexed { i, source ->
        val tensor = file.tensor(prefix + source.name())
        tensor.dtype() shouldBe source.dtype()
        tensor.shape() shouldBe source.shape()
        tensor.bytes() shouldBe tensors[i].third
    }
}

private fun leftovers(folder: Path): List<Path> = Files.list(folder).use { it.filter { file -> "partial" in file.toString() }.toList() }

private fun source(name: String, vararg values: Float): TensorSource =
    TensorSource.of(name, DType.F32, Shape.of(values.size.toLong()), listOf(MemorySegment.ofArray(floats(*values))))

class WritersSpec : FunSpec({
    val folder = folder()

    test("what is written as safetensors reads back: names in order, types, shapes, values, metadata") {
        checkAll(100, sources, names, names) { tensors, keys, texts ->
            val written = named(tensors, keys)
            val metadata = texts.take(2).associateBy { "key $it" }
            SafetensorsWriter.write(folder.resolve("a.safetensors"), written, metadata)
            TensorFile.open(folder.resolve("a.safetensors")).use {
                same(it, "", tensors, written)
                it.metadata() shouldBe metadata
            }
        }
        leftovers(folder).shouldBeEmpty()
    }

    test("every tensor of a written safetensors file is aligned to its element, the first to a line of 64 bytes") {
        checkAll(100, sources, names) { tensors, keys ->
            SafetensorsWriter.write(folder.resolve("b.safetensors"), named(tensors, keys), mapOf())
            TensorFile.open(folder.resolve("b.safetensors")).use { file ->
                for (entry in file.names().map(file::entry)) {
                    withClue(entry) { entry.position() % entry.dtype().blockBytes() shouldBe 0 }
                }
                file.names().map(file::entry).minOfOrNull { it.position() }?.let { it % 64 shouldBe 0 }
            }
        }
    }

    test("what is written for PyTorch reads back, also inside other dictionaries") {
        checkAll(100, sources, names) { tensors, keys ->
            val written = named(tensors, keys)
            TorchWriter.write(folder.resolve("a.pt"), written)
            TensorFile.open(folder.resolve("a.pt")).use { same(it, "", tensors, written) }
            TorchWriter.write(folder.resolve("b.pt"), listOf("state", "module"), written)
            TensorFile.open(folder.resolve("b.pt")).use { same(it, "state.module.", tensors, written) }
        }
    }

    test("a file for PyTorch is a zip file whose checksums are right and whose storages start at multiples of 64 bytes") {
        TorchWriter.write(folder.resolve("c.pt"), listOf(source("x", 1f, 2f, 3f), source("y", 4f)))
        ZipFile(folder.resolve("c.pt").toFile()).use { zip ->
            zip.stream().map { it.name }.toList() shouldBe listOf("c/data.pkl", "c/byteorder", "c/data/0", "c/data/1", "c/version")
            // Reading to the end compares the checksum.
            zip.getInputStream(zip.getEntry("c/data/0")).readAllBytes() shouldBe floats(1f, 2f, 3f)
        }
        TensorFile.open(folder.resolve("c.pt")).use { file ->
            file.names().map { file.entry(it).position() % 64 } shouldBe listOf(0L, 0L)
        }
    }

    test("shards hold no more than they may, and their index leads to every tensor") {
        val tensors = List(10) { source("t$it", *FloatArray(it + 1) { i -> i.toFloat() }) }
        val directory = Files.createDirectory(folder.resolve("shards"))
        val files = ShardWriter.write(directory, tensors, mapOf("format" to "pt"), 60)
        files.last() shouldBe "model.safetensors.index.json"
        Checkpoint.open(directory).use { checkpoint ->
            checkpoint.files() shouldBe files.dropLast(1)
            checkpoint.names() shouldBe tensors.map { it.name() }
            for (name in checkpoint.files()) {
                val file = checkpoint.file(name)
                withClue(name) { (file.names().sumOf { file.entry(it).bytes() } <= 60) shouldBe true }
            }
            checkpoint.tensor("t9").bytes() shouldBe floats(*FloatArray(10) { it.toFloat() })
        }
        Files.readString(directory.resolve("model.safetensors.index.json")) shouldContain "\"total_size\": 220"
    }

    test("a model that fits into one shard is one file without an index") {
        val directory = Files.createDirectory(folder.resolve("single"))
        ShardWriter.write(directory, listOf(source("x", 1f)), mapOf(), 60) shouldBe listOf("model.safetensors")
        Checkpoint.open(directory).use { it.names() shouldBe listOf("x") }
    }

    test("a source that gives too few or too many bytes stops the writing, and leaves neither file nor remains") {
        val directory = Files.createDirectory(folder.resolve("wrong"))
        val short = TensorSource.of("w", DType.F32, Shape.of(3), listOf(MemorySegment.ofArray(floats(1f))))
        val long = TensorSource.of("w", DType.F32, Shape.of(1), listOf(MemorySegment.ofArray(floats(1f, 2f))))
        shouldThrow<IllegalStateException> {
            SafetensorsWriter.write(directory.resolve("m.safetensors"), listOf(short), mapOf())
        }.message shouldBe
            "tensor \"w\" is F32 [3], which takes 12 bytes, but its source gave 4"
        shouldThrow<IllegalStateException> { TorchWriter.write(directory.resolve("m.pt"), listOf(long)) }.message shouldBe
            "tensor \"w\" is F32 [1], which takes 4 bytes, but its source gave 8"
        Files.list(directory).use { it.toList() }.shouldBeEmpty()
    }

    test("a name that comes twice and a type that the format lacks are refused before anything is written") {
        val target = folder.resolve("twice.safetensors")
        shouldThrow<IllegalArgumentException> {
            SafetensorsWriter.write(target, listOf(source("a", 1f), source("a", 2f)), mapOf())
        }.message shouldBe
            "the name \"a\" cannot be written: it comes twice or is reserved"
        val blocks = TensorSource.of("q", DType.Q8_0, Shape.of(32), listOf(MemorySegment.ofArray(ByteArray(34))))
        shouldThrow<IllegalArgumentException> { TorchWriter.write(folder.resolve("q.pt"), listOf(blocks)) }.message shouldBe
            "tensor \"q\" is Q8_0, which PyTorch lacks"
        Files.exists(target) shouldBe false
    }

    test("writing into a directory that is not there is told in one paragraph") {
        val target = folder.resolve("nowhere/m.safetensors")
        shouldThrow<CheckpointException> { SafetensorsWriter.write(target, listOf(source("a", 1f)), mapOf()) }.message!! shouldContain
            "Expected: a directory that exists and may be written to, on a disk with room."
    }
})
