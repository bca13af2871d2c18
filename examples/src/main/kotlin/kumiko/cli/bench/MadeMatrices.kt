package kumiko.cli.bench

import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.mapping.Target
import kumiko.runtime.machine.LazyMemory
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import java.util.SplittableRandom
import kotlin.math.sqrt

/**
 * Matrices to measure speed with, made at the speed of memory: each repeats a random pattern whose length is prime, so that no two of its
 * rows are alike. They live as long as [arena].
 */
internal class MadeMatrices(private val dtype: DType, private val arena: Arena) {
    private val random = SplittableRandom(SEED)

    fun make(rows: Int, columns: Int): Matrix {
        val data = LazyMemory.allocateHuge(arena, dtype.bytes(rows.toLong() * columns), "a weight of $rows rows of $columns numbers")
        repeat(data, pattern(columns))
        return Matrix.of(Tensor(dtype, Shape.of(rows.toLong(), columns.toLong()), data))
    }

    private fun pattern(columns: Int): MemorySegment = when (dtype) {
        DType.Q8_0 -> blocks(columns, levels = 127)

        DType.Q4_0 -> blocks(columns, levels = 8)

        else -> RandomParameters(SEED, dtype).get(Target("pattern", listOf(PERIOD / columns + 1, columns)), arena).slabs()[0].data()
            .asSlice(0, dtype.bytes(PERIOD.toLong()))
    }

    /** Random bits, with the scale that makes them as large as the numbers of the other types. */
    private fun blocks(columns: Int, levels: Int): MemorySegment {
        val pattern = arena.allocate(dtype.bytes(BLOCKS.toLong() * dtype.blockElements()), ALIGNMENT)
        for (i in 0L..<pattern.byteSize()) pattern.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
        val scale = java.lang.Float.floatToFloat16((sqrt(3.0 / columns) / levels).toFloat())
        for (block in 0L..<BLOCKS) pattern.set(ValueLayout.JAVA_SHORT_UNALIGNED, block * dtype.blockBytes(), scale)
        return pattern
    }

    /** Fills [data] with [pattern] over and over; what is there already is copied behind itself. */
    private fun repeat(data: MemorySegment, pattern: MemorySegment) {
        var filled = minOf(data.byteSize(), pattern.byteSize())
        MemorySegment.copy(pattern, 0, data, 0, filled)
        while (filled < data.byteSize()) {
            val more = minOf(filled, data.byteSize() - filled)
            MemorySegment.copy(data, 0, data, filled, more)
            filled += more
        }
    }

    private companion object {
        const val SEED = 1L
        const val ALIGNMENT = 64L

        /** Elements, and blocks, of a pattern: primes. */
        const val PERIOD = 65_521
        const val BLOCKS = 2_039
    }
}
