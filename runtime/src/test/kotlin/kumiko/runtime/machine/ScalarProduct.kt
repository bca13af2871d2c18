package kumiko.runtime.machine

import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

/** Products of bf16 in ordinary Java, in the order of `vdpbf16ps`. */
internal object ScalarProduct : PanelProduct {
    override fun instructions() = "none"

    override fun multiply(panel: Long, strips: Int, weights: Long, stride: Long, rows: Int, columns: Int, tile: Long) {
        val memory = MemorySegment.NULL.reinterpret(Long.MAX_VALUE)
        val lanes = strips * PanelLayout.STRIP
        for (i in 0 until rows) {
            for (lane in 0 until lanes) {
                val place = tile + i.toLong() * PanelLayout.TILE_BYTES + 4L * lane
                var sum = normal(memory.get(ValueLayout.JAVA_FLOAT_UNALIGNED, place))
                for (step in 0 until columns + columns % 2) {
                    val k = step xor 1
                    if (k < columns) {
                        val a = bf16(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, weights + i * stride + 2L * k))
                        val b = bf16(memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, panel + 2 * ((k / 2L * lanes + lane) * 2 + k % 2)))
                        sum = normal(Math.fma(a, b, sum))
                    }
                }
                memory.set(ValueLayout.JAVA_FLOAT_UNALIGNED, place, sum)
            }
        }
    }

    override fun multiplyRegisters(operands: Long, steps: Int) = error("has no registers")

    private fun bf16(bits: Short) = normal(Float.fromBits(bits.toInt() shl 16))
}
