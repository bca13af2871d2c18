package kumiko.runtime.checkpoint

import io.kotest.assertions.fail
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.comparables.shouldBeGreaterThan
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import kumiko.runtime.referenceData
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Shape
import java.lang.foreign.MemorySegment
import java.nio.file.Files
import java.nio.file.Path
import kotlin.random.Random

private const val MUTANTS = 2000

/** Bytes that often stand for lengths, counts and ends in these formats. */
private val telling = byteArrayOf(0, 1, 0x7f, -1, -128, 0x28, 0x2e, 0x50, 0x5d, 0x7b, 0x7d)

private fun mutant(good: ByteArray, random: Random): ByteArray {
    val bytes = good.copyOf(if (random.nextInt(4) == 0) random.nextInt(good.size) else good.size)
    if (bytes.isEmpty()) return bytes
    repeat(1 + random.nextInt(4)) {
        // Half of the changes go where the formats keep their tables: the two ends.
        val at = if (random.nextBoolean()) random.nextInt(bytes.size) else nearEnd(bytes.size, random)
        bytes[at] = if (random.nextBoolean()) telling.random(random) else random.nextInt().toByte()
    }
    return bytes
}

private fun nearEnd(size: Int, random: Random): Int {
    val step = random.nextInt(minOf(size, 120))
    return if (random.nextBoolean()) step else size - 1 - step
}

/** Reads everything that opens; true if the file was refused. */
private fun refusedCleanly(path: Path): Boolean = try {
    TensorFile.open(path).use { file -> file.names().forEach { file.tensor(it).data().byteSize() } }
    false
} catch (expected: CheckpointException) {
    true
} catch (leaked: Throwable) {
    fail("not a clear refusal: ${leaked.stackTraceToString()}")
}

class HostileFilesSpec : FunSpec({
    val folder = folder()

    suspend fun attack(name: String, good: ByteArray) {
        var refused = 0
        checkAll(MUTANTS, Arb.int()) { seed ->
            val path = folder.file(name, mutant(good, Random(seed)))
            withClue("seed $seed") { if (refusedCleanly(path)) refused++ }
        }
        // Changes in the data are not seen, changes in the tables are.
        refused shouldBeGreaterThan MUTANTS / 4
    }

    val tensors = List(4) { i ->
        val data = listOf(MemorySegment.ofArray(floats(*FloatArray(2 * i))))
        TensorSource.of("layers.$i.weight", DType.F32, Shape.of(2, i.toLong()), data)
    }

    test("a damaged safetensors file is read or refused, never anything else") {
        SafetensorsWriter.write(folder.resolve("good.safetensors"), tensors, mapOf("format" to "pt"))
        attack("bad.safetensors", Files.readAllBytes(folder.resolve("good.safetensors")))
    }

    test("a damaged PyTorch file is read or refused, never anything else") {
        TorchWriter.write(folder.resolve("good.pt"), listOf("module"), tensors)
        attack("bad.pt", Files.readAllBytes(folder.resolve("good.pt")))
    }

    test("damaged pickles inside an intact PyTorch file are read or refused, never anything else") {
        val pickle = PickleText(4).code('}').text("w").tensor("0", 6, 0, listOf(2, 3), listOf(1, 2)).code('s').end()
        var refused = 0
        checkAll(MUTANTS, Arb.int()) { seed ->
            val path = folder.file("pickle.pt", torchZip(mutant(pickle, Random(seed)), "0" to ByteArray(24)))
            withClue("seed $seed") { if (refusedCleanly(path)) refused++ }
        }
        refused shouldBeGreaterThan MUTANTS / 4
    }

    test("a damaged file of the old PyTorch format is read or refused, never anything else (reference data)")
        .config(enabled = referenceData != null) {
            attack("legacy.pt", Files.readAllBytes(referenceData!!.resolve("torch-formats/legacy.pt")))
        }

    test("a damaged index is read or refused, never anything else") {
        val index = """{"metadata": {"total_size": 4}, "weight_map": {"a": "x.safetensors", "b\u00e9": "y.safetensors"}}"""
        folder.file("x.safetensors", ByteArray(0))
        folder.file("y.safetensors", ByteArray(0))
        checkAll(MUTANTS, Arb.int()) { seed ->
            val path = folder.file("model.safetensors.index.json", mutant(index.toByteArray(), Random(seed)))
            try {
                Checkpoint.open(path).close()
            } catch (expected: CheckpointException) {
                // Refused, as it should be.
            }
        }
    }
})
