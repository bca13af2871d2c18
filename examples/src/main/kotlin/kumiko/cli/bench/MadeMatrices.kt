package kumiko.cli.bench

import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.mapping.Target
import kumiko.runtime.machine.LazyMemory
import kumiko.runtime.tensor.BlockTile
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.RowEncoder
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
        val blocks = BlockTile.holds(dtype)
        val bytes = if (blocks) BlockTile.bytes(dtype, rows, columns.toLong()) else dtype.bytes(rows.toLong() * columns)
        val data = LazyMemory.allocateHuge(arena, bytes, "a weight of $rows rows of $columns numbers")
        repeat(data, if (blocks) tiles(columns) else pattern(columns))
        return if (blocks) {
            RowEncoder.matrix(dtype, rows, columns, data)
        } else {
            Matrix.of(Tensor(dtype, Shape.of(rows.toLong(), columns.toLong()), data))
        }
    }

    private fun pattern(columns: Int): MemorySegment =
        RandomParameters(SEED, dtype).get(Target("pattern", listOf(PERIOD / columns + 1, columns)), arena).slabs()[0].data()
            .asSlice(0, dtype.bytes(PERIOD.toLong()))

    /** Random bits, with the scale that makes them as large as the numbers of the other types. */
    private fun tiles(columns: Int): MemorySegment {
        val pattern = arena.allocate(TILES * BlockTile.bytes(dtype).toLong(), ALIGNMENT)
        for (i in 0L..<pattern.byteSize()) pattern.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
        val scale = java.lang.Float.floatToFloat16((sqrt(3.0 / columns) / BlockTile.excess(dtype)).toFloat())
        for (tile in 0L..<TILES) {
            for (row in 0L..<BlockTile.ROWS) {
                pattern.set(ValueLayout.JAVA_SHORT_UNALIGNED, tile * BlockTile.bytes(dtype) + Short.SIZE_BYTES * row, scale)
            }
        }
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

        /** Elements, and tiles of blocks, of a pattern: primes. */
        const val PERIOD = 65_521
        const val TILES = 61
    }
}
