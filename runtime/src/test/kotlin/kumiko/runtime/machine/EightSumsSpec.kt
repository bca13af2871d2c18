package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import kotlin.math.abs
import kotlin.random.Random

private const val UNIT = 1.0 / (1 shl 24)

/** Elements of a row that belong to nobody. */
private const val GAP = 5

private class Grid(val type: DType, val rows: Int, val columns: Int, value: () -> Double) {
    private val width = columns + GAP
    val memory: MemorySegment = Arena.ofAuto().allocate(type.bytes(rows.toLong() * width), 64)
    val stride = type.bytes(width.toLong())

    init {
        for (i in 0 until rows.toLong() * width) Elements.set(type, memory, i, if (i % width < columns) value() else Double.NaN)
    }

    operator fun get(row: Int, column: Int): Double = Elements.get(type, memory, row.toLong() * width + column)
}

class EightSumsSpec : FunSpec({
    val here = Width.AVX512.here

    for (ahead in Ahead.entries) {
        for (type in listOf(DType.F32, DType.BF16, DType.F16)) {
            test("rows of $type weights add to the sums of two to eight rows, and nothing behind a row takes part ($ahead)").config(
                enabled = here,
            ) {
                val random = Random(9)
                val product = StoredProduct(ahead, 48 shl 10, Width.AVX512.pages())
                for (others in 2..8) {
                    for (rows in listOf(1, 3, 4, 6, 21)) {
                        for (columns in listOf(1, 16, 17, 31, 32, 33, 100)) {
                            product.sumsOf(type, others) shouldBe true
                            val value = { random.nextDouble(-1.0, 1.0) }
                            val weights = Grid(type, rows, columns, value)
                            val x = Grid(DType.F32, others, rows, value)
                            val y = Grid(DType.F32, others, columns, value)
                            val want =
                                List(others) { r -> List(columns) { c -> y[r, c] + (0 until rows).sumOf { x[r, it] * weights[it, c] } } }
                            product.sums(
                                type,
                                weights.memory.address(),
                                weights.stride,
                                rows,
                                x.memory.address(),
                                x.stride,
                                others,
                                columns,
                                y.memory.address(),
                                y.stride,
                            )
                            withClue("$others rows of sums, $rows of weights, $columns columns") {
                                for (r in 0 until others) {
                                    for (c in 0 until columns) abs(y[r, c] - want[r][c]) shouldBeLessThanOrEqual (rows + 2) * 2 * UNIT
                                    for (c in columns until columns + GAP) y[r, c].isNaN() shouldBe true
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    test("one row, more than eight, and whole numbers have no sums of several rows").config(enabled = here) {
        val product = StoredProduct(Ahead.ONCE, 48 shl 10, Width.AVX512.pages())
        product.sumsOf(DType.F32, 1) shouldBe false
        product.sumsOf(DType.F32, 9) shouldBe false
        product.sumsOf(DType.I8_ROWS, 4) shouldBe false
    }

    test("by AVX2 there are none").config(enabled = Width.AVX2.here) {
        StoredProduct(Ahead.STRAIGHT, 32 shl 10, Width.AVX2.pages()).sumsOf(DType.F32, 4) shouldBe false
    }
})
