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

/** The row that is written, of a matrix whose last tiles it shares with others. */
private const val ROW = 37

/** The bytes of a matrix of one row that is not zero. */
private class Encoded(val type: DType, row: FloatArray) {
    private val columns = row.size
    private val bytes = ByteArray(RowEncoder.bytes(type, ROW + 2, columns).toInt())
    val matrix: Matrix = RowEncoder.matrix(type, ROW + 2, columns, MemorySegment.ofArray(bytes))

    init {
        RowEncoder.encode(type, row, MemorySegment.ofArray(bytes), ROW)
    }

    private val buffer = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)

    /** Where the tile begins that has this column, by the words of [BlockTile], not by its code: row 37 is row 5 of the second 32. */
    private fun tile(column: Int) = (columns / 32 + column / 32) * 32 * type.blockBytes()

    fun scale(column: Int): Float = java.lang.Float.float16ToFloat(buffer.getShort(tile(column) + 2 * 5))

    private fun byte(column: Int, within: Int) = bytes[tile(column) + 64 + within / 4 * 128 + 4 * 5 + within % 4].toInt() and 0xff

    fun level(i: Int): Int = when (type) {
        DType.Q8_0 -> byte(i, i % 32) - 128
        DType.Q4_0 -> (if (i % 32 < 16) byte(i, i % 16) % 16 else byte(i, i % 16) / 16) - 8
        else -> bytes[ROW * (columns + 4) + 4 + i].toInt()
    }

    operator fun get(i: Int): Float = level(i) * if (type == DType.I8_ROWS) buffer.getFloat(ROW * (columns + 4)) else scale(i)

    fun element(i: Int): Double {
        val slab = matrix.slabs().single()
        return Elements.get(type, slab, ROW, i) * Elements.rowUnit(type, slab, ROW)
    }
}

class RowEncoderSpec : FunSpec({
    test("q8_0 is within half a level of the weights, and of the rounding of its float16 scale") {
        checkAll(500, rows) { row ->
            val encoded = Encoded(DType.Q8_0, row)
            for (i in row.indices) {
                val scale = row.slice(i / 32 * 32 until i / 32 * 32 + 32).maxOf { abs(it) } / 127.0
                val off = abs(scale - encoded.scale(i))
                withClue("element $i of ${row.toList()}") {
                    abs(row[i] - encoded[i]).toDouble() shouldBeLessThanOrEqual 0.5001 * scale + 127 * off + 1e-30
                }
            }
        }
    }

    test("q4_0 is within half a level of the weights, within a whole one at the end that has no level") {
        checkAll(500, rows) { row ->
            val encoded = Encoded(DType.Q4_0, row)
            for (i in row.indices) {
                val block = row.slice(i / 32 * 32 until i / 32 * 32 + 32)
                val most = block.maxBy { abs(it) }
                val scale = most / -8.0
                val beyond = row[i] / scale > 7.5
                val off = abs(scale - encoded.scale(i))
                withClue("element $i of ${row.toList()}") {
                    abs(
                        row[i] - encoded[i],
                    ).toDouble() shouldBeLessThanOrEqual (if (beyond) 1.0 else 0.5001) * abs(scale) + 8 * off + 1e-30
                }
            }
        }
    }

    test("int8 rows are within half a unit of the weights, and the largest weight is kept") {
        checkAll(500, rows) { row ->
            val encoded = Encoded(DType.I8_ROWS, row)
            val unit = row.maxOf { abs(it) } / 127.0
            for (i in row.indices) abs(row[i] - encoded[i]).toDouble() shouldBeLessThanOrEqual 0.50001 * unit
            val most = row.indices.maxBy { abs(row[it]) }
            abs(row[most] - encoded[most]).toDouble() shouldBeLessThanOrEqual 1e-6 * abs(row[most])
        }
    }

    test("elements mean what the layouts say in words") {
        checkAll(100, rows) { row ->
            for (type in listOf(DType.Q8_0, DType.Q4_0, DType.I8_ROWS)) {
                val encoded = Encoded(type, row)
                for (i in row.indices) encoded.element(i).toFloat() shouldBe encoded[i]
            }
        }
    }

    test("a block with a known result has it, level for level") {
        val row = FloatArray(32) { it - 16f }
        val q8 = Encoded(DType.Q8_0, row)
        q8.scale(0) shouldBe java.lang.Float.float16ToFloat(java.lang.Float.floatToFloat16(16f / 127))
        List(32) { q8.level(it) } shouldBe List(32) { Math.round((it - 16) * 127 / 16.0 + if (it < 16) -1e-9 else 1e-9).toInt() }
        val q4 = Encoded(DType.Q4_0, row)
        q4.scale(0) shouldBe 2f
        // -16 is level 0, each level is 2 wide, halves go up; the last level is 15.
        List(32) { q4.level(it) + 8 } shouldBe List(32) { minOf(15, (it + 1) / 2) }
    }

    test("a row of zeros is zeros, and numbers too small for a scale are") {
        for (type in listOf(DType.Q8_0, DType.Q4_0, DType.I8_ROWS)) {
            for (value in listOf(0f, -0f, 1e-42f)) {
                val encoded = Encoded(type, FloatArray(64) { value })
                for (i in 0 until 64) encoded.element(i) shouldBe 0.0
            }
        }
    }

    test("rows of int8 lie behind one another, each with its unit in front") {
        val data = MemorySegment.ofArray(ByteArray(2 * (4 + 5)))
        RowEncoder.encode(DType.I8_ROWS, floatArrayOf(1f, -2f, 0f, 2f, 0.5f), data, 0)
        RowEncoder.encode(DType.I8_ROWS, floatArrayOf(127f, 0f, 3f, 0f, -1f), data, 1)
        data.get(JAVA_FLOAT_UNALIGNED, 0) shouldBe 2f / 127
        data.get(JAVA_FLOAT_UNALIGNED, 9) shouldBe 1f
        List(5) { Elements.get(DType.I8_ROWS, data, 4L + it) } shouldBe listOf(64.0, -127.0, 0.0, 127.0, 32.0)
        List(5) { Elements.get(DType.I8_ROWS, data, 13L + it) } shouldBe listOf(127.0, 0.0, 3.0, 0.0, -1.0)
    }

    test("rows that share tiles leave one another as they are, whatever the order they come in") {
        val random = java.util.Random(1)
        val values = List(70) { FloatArray(96) { random.nextGaussian().toFloat() } }
        for (type in listOf(DType.Q8_0, DType.Q4_0)) {
            val (down, up) = List(2) { MemorySegment.ofArray(ByteArray(RowEncoder.bytes(type, 70, 96).toInt())) }
            for (r in 0 until 70) RowEncoder.encode(type, values[r], down, r)
            for (r in 69 downTo 0) RowEncoder.encode(type, values[r], up, r)
            down.mismatch(up) shouldBe -1
            val slab = RowEncoder.matrix(type, 70, 96, down).slabs().single()
            for (r in 0 until 70) {
                val alone = Encoded(type, values[r])
                for (i in 0 until 96) Elements.get(type, slab, r, i) shouldBe alone.element(i)
            }
        }
    }

    test("blocks take what they take in a file, but for rows that fill up the last tiles") {
        RowEncoder.bytes(DType.Q8_0, 64, 96) shouldBe 64L * 3 * 34
        RowEncoder.bytes(DType.Q4_0, 64, 96) shouldBe 64L * 3 * 18
        RowEncoder.bytes(DType.Q4_0, 65, 96) shouldBe 96L * 3 * 18
    }

    test("no views are made of tiles, nor single elements read without their row") {
        val blocks = Encoded(DType.Q4_0, FloatArray(64)).matrix
        for (view in listOf<() -> Any>({ blocks.transpose() }, { blocks.columns(0, 32) }, { blocks.rows(0, 2, 1) })) {
            shouldThrow<IllegalStateException> { view() }.message shouldBe "Q4_0 is kept in tiles, of which no views are made"
        }
        shouldThrow<IllegalArgumentException> { Elements.get(DType.Q4_0, blocks.slabs().single().data(), 0) }.message shouldBe
            "Q4_0 lies in tiles; ask for row and column"
    }

    test("a type that is not quantised is refused") {
        shouldThrow<UnsupportedOperationException> {
            RowEncoder.encode(DType.F32, FloatArray(32), MemorySegment.ofArray(ByteArray(128)), 0)
        }.message shouldBe "F32 is no quantised type"
    }
})
