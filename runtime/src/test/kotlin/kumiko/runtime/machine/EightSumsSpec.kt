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

private class Grid(val type: DType, rows: Int, columns: Int, gap: Int, value: () -> Double) {
    private val width = columns + gap
    val memory: MemorySegment = Arena.ofAuto().allocate(type.bytes(rows.toLong() * width), 64)
    val stride = type.bytes(width.toLong())

    init {
        for (i in 0 until rows.toLong() * width) Elements.set(type, memory, i, if (i % width < columns) value() else Double.NaN)
    }

    operator fun set(row: Int, column: Int, value: Double) = Elements.set(type, memory, row.toLong() * width + column, value)

    operator fun get(row: Int, column: Int): Double = Elements.get(type, memory, row.toLong() * width + column)
}

class EightSumsSpec : FunSpec({
    val here = Width.AVX512.here
    val pairs = here && Processor.current().firstMissing("avx512_bf16") == null

    /** Two to eight rows of [product]; numbers of x are those of [factors], which it meets as they are. */
    fun check(product: Eights, type: DType, factors: DType, random: Random) {
        val value = { random.nextDouble(-1.0, 1.0) }
        for (others in 2..8) {
            product.readsColumns(type, others) shouldBe true
            for (rows in listOf(1, 2, 3, 16, 17, 37)) {
                for ((columns, gap) in listOf(1 to GAP, 16 to GAP, 31 to GAP, 32 to 0, 33 to GAP, 64 to 0, 100 to 0, 160 to GAP)) {
                    val weights = Grid(type, rows, columns, gap, value)
                    val exact = Grid(factors, others, rows, 0, value)
                    val x = Grid(DType.F32, others, rows, GAP) { 0.0 }
                    for (r in 0 until others) for (k in 0 until rows) x[r, k] = exact[r, k]
                    val y = Grid(DType.F32, others, columns, GAP, value)
                    val want = List(others) { r -> List(columns) { c -> y[r, c] + (0 until rows).sumOf { x[r, it] * weights[it, c] } } }
                    val packed = Arena.ofAuto().allocate(8L * (4L * product.inputs() + 64), 64)
                    product.packInputs(x.memory.address(), x.stride, others, rows, packed.address())
                    product.addByColumns(
                        type,
                        weights.memory.address(),
                        weights.stride,
                        rows,
                        packed.address(),
                        others,
                        columns,
                        y.memory.address(),
                        y.stride,
                    )
                    withClue("$others rows of sums, $rows of weights, $columns columns, $gap between") {
                        for (r in 0 until others) {
                            for (c in 0 until columns) abs(y[r, c] - want[r][c]) shouldBeLessThanOrEqual (rows + 2) * 2 * UNIT
                            for (c in columns until columns + GAP) y[r, c].isNaN() shouldBe true
                        }
                    }
                }
            }
        }
    }

    for (type in listOf(DType.F32, DType.BF16, DType.F16)) {
        test("rows of $type weights add to the sums of two to eight rows, and nothing behind a row takes part").config(enabled = here) {
            check(StoredProduct(Ahead.ONCE, 48 shl 10, Width.AVX512.pages()), type, DType.F32, Random(9))
        }
    }

    test(
        "rows of BF16 weights add to the sums of two to eight rows rounded to it, an odd one with nothing below it",
    ).config(enabled = pairs) {
        val pages = Width.AVX512.pages()
        check(PairEights(RowRounding(pages), Ahead.ONCE, pages), DType.BF16, DType.BF16, Random(10))
    }

    test("one row, more than eight, and whole numbers have no sums of several rows").config(enabled = here) {
        val product = StoredProduct(Ahead.ONCE, 48 shl 10, Width.AVX512.pages())
        product.readsColumns(DType.F32, 1) shouldBe false
        product.readsColumns(DType.F32, 9) shouldBe false
        product.readsColumns(DType.I8_ROWS, 4) shouldBe false
    }

    test("rounded rows meet no other weights in columns").config(enabled = pairs) {
        val pages = Width.AVX512.pages()
        PairEights(RowRounding(pages), Ahead.ONCE, pages).readsColumns(DType.F32, 4) shouldBe false
    }

    test("by AVX2 there are none").config(enabled = Width.AVX2.here) {
        StoredProduct(Ahead.STRAIGHT, 32 shl 10, Width.AVX2.pages()).readsColumns(DType.F32, 4) shouldBe false
    }
})
