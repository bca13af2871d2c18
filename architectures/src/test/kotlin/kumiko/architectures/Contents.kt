package kumiko.architectures

import kumiko.runtime.checkpoint.Checkpoint
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.nio.file.Path
import java.util.zip.CRC32

/** Every tensor of a checkpoint by file (the shards of an index are one file) and key: type, shape and two sums of its bytes. */
fun contents(folder: Path): Map<String, String> = Checkpoint.open(folder).use { checkpoint ->
    val files = checkpoint.files().filter { "remainder" !in it }
    val sharded = files.any { "0" in it && "-of-" !in it }
    files.flatMap { file ->
        val place = if (sharded) file else ""
        val tensors = checkpoint.file(file)
        tensors.names().map { "$place $it" to describe(tensors.tensor(it)) }
    }.toMap()
}

fun describe(tensor: Tensor): String = "${tensor.dtype()} ${tensor.shape()} ${sums(tensor.data())}"

fun describe(matrix: Matrix): String = Arena.ofConfined().use { arena ->
    val data = arena.allocate(Dense.bytes(matrix, matrix.rows()))
    Dense.copyRows(matrix, 0, matrix.rows(), data)
    "${matrix.dtype()} [${matrix.rows()}, ${matrix.columns()}] ${sums(data)}"
}

private fun sums(data: MemorySegment): String {
    val bytes = data.asByteBuffer()
    return "${CRC32().also { it.update(bytes.duplicate()) }.value} ${bytes.hashCode()}"
}
