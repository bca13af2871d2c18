package kumiko.dsl.mapping

import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.nio.channels.WritableByteChannel

/** A tensor to be written from a matrix that is made when its turn comes. */
internal object MatrixTensor {
    private const val CHUNK = 16L shl 20

    fun source(name: String, dtype: DType, shape: Shape, matrix: (Arena) -> Matrix) = TensorSource(name, dtype, shape) { channel ->
        Arena.ofConfined().use { arena -> write(matrix(arena), arena, channel) }
    }

    private fun write(matrix: Matrix, arena: Arena, channel: WritableByteChannel) {
        val row = Dense.bytes(matrix, 1)
        val rows = (CHUNK / maxOf(1, row)).coerceIn(1, maxOf(1, matrix.rows().toLong())).toInt()
        val buffer = arena.allocate(row * rows, 64)
        for (from in 0 until matrix.rows() step rows) {
            val count = minOf(rows, matrix.rows() - from)
            Dense.copyRows(matrix, from, count, buffer)
            send(buffer.asSlice(0, row * count), channel)
        }
    }

    private fun send(bytes: MemorySegment, channel: WritableByteChannel) {
        val left = bytes.asByteBuffer()
        while (left.hasRemaining()) channel.write(left)
    }
}
