package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.random.Random

private const val BLOCK = 32
private const val ROWS = 5
private const val NO_NUMBER: Short = 0x7e00

/** Rows of random blocks with a block that has no number as its scale behind each, random factors with no number behind them, results. */
private class Blocks(val type: DType, val columns: Int, random: Random, factor: (Int) -> Float) {
    private val arena: Arena = Arena.ofAuto()
    val stride = type.bytes((columns + BLOCK).toLong())
    val weights: MemorySegment = arena.allocate(ROWS * stride)
    val x: MemorySegment = arena.allocate(4L * (columns + BLOCK))
    val y: MemorySegment = arena.allocate(4L * (ROWS + 1))
    val before = List(ROWS) { random.nextInt(-3, 3).toFloat() }

    init {
        for (i in 0 until weights.byteSize()) weights.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
        for (row in 0 until ROWS) {
            for (block in 0..columns / BLOCK) {
                val scale = if (block < columns / BLOCK) {
                    java.lang.Float.floatToFloat16(
                        random.nextDouble(-0.1, 0.1).toFloat(),
                    )
                } else {
                    NO_NUMBER
                }
                weights.set(ValueLayout.JAVA_SHORT_UNALIGNED, row * stride + block * type.blockBytes().toLong(), scale)
            }
        }
        for (k in 0 until columns + BLOCK) x.set(ValueLayout.JAVA_FLOAT, 4L * k, if (k < columns) factor(k) else Float.NaN)
        for (r in 0..ROWS) y.set(ValueLayout.JAVA_FLOAT, 4L * r, before.getOrElse(r) { Float.NaN })
    }

    fun multiply(product: BlockProduct) {
        val packed = arena.allocate(product.packedBytes(type, columns), 64).fill(-1)
        product.pack(type, x.address(), columns, packed.address())
        product.dots(type, weights.address(), stride, ROWS, packed.address(), columns, y.address())
    }

    fun factor(k: Int) = x.get(ValueLayout.JAVA_FLOAT, 4L * k).toDouble()

    fun weight(row: Int, k: Int) = Elements.get(type, weights, row.toLong() * (columns + BLOCK) + k)

    fun result(row: Int) = y.get(ValueLayout.JAVA_FLOAT, 4L * row).toDouble()

    /** Each factor rounded by so much of its block's largest or of 2^-100, and sums of so many terms in float32. */
    fun mostError(row: Int, ofLargest: Double) = (0 until columns).groupBy { it / BLOCK }.values.sumOf { block ->
        val largest = maxOf(block.maxOf { abs(factor(it)) }, TINY)
        block.sumOf {
            abs(weight(row, it))
        } * largest * ofLargest + block.sumOf { abs(weight(row, it) * factor(it)) } * columns * UNIT
    } + 4 * UNIT

    companion object {
        const val UNIT = 1.0 / (1 shl 24)
        val TINY = Math.scalb(1.0, -100)
    }
}

class BlockProductSpec : FunSpec({
    val here = Processor.current().let {
        it.system() == Processor.LINUX && it.firstMissing("avx512bw", "bmi2", "avx512vbmi", "avx512_vnni") == null
    }
    val awkward = listOf(32, 64, 96, 128, 160, 192, 224, 256, 288, 512, 544, 608, 1056, 2208, 4096)

    for ((digits, bits) in listOf(3 to 22, 2 to 14)) {
        val product = if (here) BlockProduct(digits, CodePages(Arena.ofAuto())) else null
        val ofLargest = Math.scalb(1.0, -bits)

        for (type in listOf(DType.Q8_0, DType.Q4_0)) {
            fun compare(blocks: Blocks, clue: String) {
                blocks.multiply(product!!)
                for (row in 0 until ROWS) {
                    val want = blocks.before[row] + (0 until blocks.columns).sumOf { blocks.factor(it) * blocks.weight(row, it) }
                    withClue("$clue, ${blocks.columns} columns, row $row: $want, ${blocks.result(row)}") {
                        abs(blocks.result(row) - want) shouldBeLessThanOrEqual blocks.mostError(row, ofLargest)
                    }
                }
                blocks.result(ROWS).isNaN() shouldBe true
            }

            test(
                "dots of $type weights add to the results that there are, and nothing behind a row takes part, by $digits digits",
            ).config(enabled = here) {
                val random = Random(1)
                for (columns in awkward) compare(Blocks(type, columns, random) { random.nextDouble(-1.0, 1.0).toFloat() }, "random")
            }

            test(
                "a block of factors a million times those of another takes nothing from the other in $type by $digits digits",
            ).config(enabled = here) {
                val random = Random(2)
                val blocks = Blocks(type, 256, random) { (random.nextDouble(-1.0, 1.0) * if (it / BLOCK == 3) 1e6 else 1.0).toFloat() }
                for (row in 0 until ROWS) {
                    blocks.weights.set(
                        ValueLayout.JAVA_SHORT_UNALIGNED,
                        row * blocks.stride + 3L * type.blockBytes(),
                        0,
                    )
                }
                compare(blocks, "one large block")
            }

            test(
                "factors of zero, of the smallest and of the largest numbers meet $type weights by $digits digits",
            ).config(enabled = here) {
                val random = Random(3)
                for (value in listOf(0f, -0f, Float.MIN_VALUE, 1e-35f, 1f, -1f, 1.9999999f, -1.9999999f, 3e30f)) {
                    compare(Blocks(type, 160, random) { if (it % 3 == 0) value else -value }, "$value")
                }
            }

            test("the most negative weights and factors of $type do not overflow in $digits digits").config(enabled = here) {
                val blocks = Blocks(type, 64, Random(4)) { -1.9999999f }
                for (row in 0 until ROWS) {
                    for (block in 0 until 2) {
                        val at = row * blocks.stride + block * type.blockBytes().toLong()
                        for (i in 2L until type.blockBytes()) {
                            blocks.weights.set(ValueLayout.JAVA_BYTE, at + i, if (type == DType.Q8_0) -128 else 0)
                        }
                    }
                }
                compare(blocks, "most negative")
            }

            test("a factor that is not finite makes every $type result of $digits digits no number").config(enabled = here) {
                for (value in listOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY)) {
                    val blocks = Blocks(type, 128, Random(5)) { if (it == 77) value else 1f }
                    blocks.multiply(product!!)
                    withClue("$value") { (0 until ROWS).count { blocks.result(it).isNaN() } shouldBe ROWS }
                }
            }
        }
    }
})
