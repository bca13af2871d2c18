package kumiko.runtime.tensor

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.random.Random

/** Fills the tiles of a matrix with any bits at all, but for scales, which are what [scale] says of a row and a block of it. */
fun fillBlocks(type: DType, rows: Int, columns: Int, data: MemorySegment, random: Random, scale: (Int, Int) -> Float) {
    for (i in 0L..<BlockTile.bytes(type, rows, columns.toLong())) data.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
    for (row in 0..<(rows + 31) / 32 * 32) {
        for (block in 0..<columns / 32) setScale(type, columns, data, row, block, if (row < rows) scale(row, block) else Float.NaN)
    }
}

fun setScale(type: DType, columns: Int, data: MemorySegment, row: Int, block: Int, scale: Float) {
    val at = BlockTile.offset(type, columns.toLong(), row, 32 * block) + 2L * (row % 32)
    data.set(ValueLayout.JAVA_SHORT_UNALIGNED, at, java.lang.Float.floatToFloat16(scale))
}
