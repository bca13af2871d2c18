package kumiko.runtime.tensor

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.arbitrary
import io.kotest.property.checkAll
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED
import java.nio.ByteBuffer
import java.nio.ByteOrder
import kotlin.math.abs
import kotlin.math.pow

/** Rows of one to six blocks, of any size of numbers that weights have. */
private val rows: Arb<FloatArray> = arbitrary { source ->
    val random = source.random
    val scale = 10.0.pow(random.nextInt(-4, 3))
    FloatArray(32 * random.nextInt(1, 7)) { (scale * (random.nextDouble(-1.0, 1.0).pow(3))).toFloat() }
}

class RowEncoderSpec : FunSpec({
    fun encode(type: DType, row: FloatArray): ByteArray {
        val out = MemorySegment.ofArray(ByteArray(RowEncoder.rowBytes(type, row.size).toInt()))
        RowEncoder.encode(type, row, row.size, out, 0)
        return out.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE)
    }

    fun half(bytes: ByteArray, at: Int) = java.lang.Float.float16ToFloat(ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getShort(at))

    /** Read by the layout as it is published, not by [Elements]: struct block_q8_0 { half d; int8_t qs[32]; }. */
    fun q8(bytes: ByteArray, i: Int): Float = half(bytes, i / 32 * 34) * bytes[i / 32 * 34 + 2 + i % 32]

    /** struct block_q4_0 { half d; uint8_t qs[16]; }, the low nibbles before the high ones, each less 8. */
    fun q4(bytes: ByteArray, i: Int): Float {
        val byte = bytes[i / 32 * 18 + 2 + i % 16].toInt() and 0xff
        return half(bytes, i / 32 * 18) * ((if (i % 32 < 16) byte % 16 else byte / 16) - 8)
    }

    fun int8(bytes: ByteArray, i: Int): Float = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getFloat(0) * bytes[4 + i]

    test("q8_0 is within half a level of the weights, and of the rounding of its float16 scale") {
        checkAll(500, rows) { row ->
            val bytes = encode(DType.Q8_0, row)
            for (i in row.indices) {
                val scale = row.slice(i / 32 * 32 until i / 32 * 32 + 32).maxOf { abs(it) } / 127.0
                val off = abs(scale - half(bytes, i / 32 * 34))
                withClue("element $i of ${row.toList()}") {
                    abs(row[i] - q8(bytes, i)).toDouble() shouldBeLessThanOrEqual 0.5001 * scale + 127 * off + 1e-30
                }
            }
        }
    }

    test("q4_0 is within half a level of the weights, within a whole one at the end that has no level") {
        checkAll(500, rows) { row ->
            val bytes = encode(DType.Q4_0, row)
            for (i in row.indices) {
                val block = row.slice(i / 32 * 32 until i / 32 * 32 + 32)
                val most = block.maxBy { abs(it) }
                val scale = most / -8.0
                val beyond = row[i] / scale > 7.5
                val off = abs(scale - half(bytes, i / 32 * 18))
                withClue("element $i of ${row.toList()}") {
                    abs(
                        row[i] - q4(bytes, i),
                    ).toDouble() shouldBeLessThanOrEqual (if (beyond) 1.0 else 0.5001) * abs(scale) + 8 * off + 1e-30
                }
            }
        }
    }

    test("int8 rows are within half a unit of the weights, and the largest weight is kept") {
        checkAll(500, rows) { row ->
            val bytes = encode(DType.I8_ROWS, row)
            val unit = row.maxOf { abs(it) } / 127.0
            for (i in row.indices) abs(row[i] - int8(bytes, i)).toDouble() shouldBeLessThanOrEqual 0.50001 * unit
            val most = row.indices.maxBy { abs(row[it]) }
            abs(row[most] - int8(bytes, most)).toDouble() shouldBeLessThanOrEqual 1e-6 * abs(row[most])
        }
    }

    test("elements mean what the published layouts say") {
        checkAll(100, rows) { row ->
            for ((type, read) in listOf(DType.Q8_0 to ::q8, DType.Q4_0 to ::q4, DType.I8_ROWS to ::int8)) {
                val bytes = encode(type, row)
                val start = RowEncoder.unitBytes(type).toLong()
                for (i in row.indices) {
                    val data = MemorySegment.ofArray(bytes)
                    (Elements.get(type, data, start + i) * Elements.rowUnit(type, data, start)).toFloat() shouldBe read(bytes, i)
                }
            }
        }
    }

    test("a block with a known result has it, byte for byte") {
        val row = FloatArray(32) { it - 16f }
        val q8 = encode(DType.Q8_0, row)
        half(q8, 0) shouldBe java.lang.Float.float16ToFloat(java.lang.Float.floatToFloat16(16f / 127))
        q8.drop(2).map { it.toInt() } shouldBe List(32) { Math.round((it - 16) * 127 / 16.0 + if (it < 16) -1e-9 else 1e-9).toInt() }
        val q4 = encode(DType.Q4_0, row)
        half(q4, 0) shouldBe 2f
        // -16 is level 0, each level is 2 wide, halves go up; the last level is 15.
        List(32) { i -> (q4(q4, i) / 2 + 8).toInt() } shouldBe List(32) { minOf(15, (it + 1) / 2) }
    }

    test("a row of zeros is zeros, and numbers too small for a scale are") {
        for (type in listOf(DType.Q8_0, DType.Q4_0, DType.I8_ROWS)) {
            for (value in listOf(0f, -0f, 1e-42f)) {
                val row = FloatArray(64) { value }
                val data = MemorySegment.ofArray(encode(type, row))
                val start = RowEncoder.unitBytes(type).toLong()
                for (i in row.indices) Elements.get(type, data, start + i) * Elements.rowUnit(type, data, start) shouldBe 0.0
            }
        }
    }

    test("rows of int8 lie behind one another, each with its unit in front") {
        val data = MemorySegment.ofArray(ByteArray(2 * (4 + 5)))
        RowEncoder.encode(DType.I8_ROWS, floatArrayOf(1f, -2f, 0f, 2f, 0.5f), 5, data, 0)
        RowEncoder.encode(DType.I8_ROWS, floatArrayOf(127f, 0f, 3f, 0f, -1f), 5, data, 9)
        data.get(JAVA_FLOAT_UNALIGNED, 0) shouldBe 2f / 127
        data.get(JAVA_FLOAT_UNALIGNED, 9) shouldBe 1f
        List(5) { Elements.get(DType.I8_ROWS, data, 4L + it) } shouldBe listOf(64.0, -127.0, 0.0, 127.0, 32.0)
        List(5) { Elements.get(DType.I8_ROWS, data, 13L + it) } shouldBe listOf(127.0, 0.0, 3.0, 0.0, -1.0)
    }

    test("a type that is not quantised is refused") {
        shouldThrow<UnsupportedOperationException> { encode(DType.F32, FloatArray(32)) }.message shouldBe "F32 is no quantised type"
    }
})
