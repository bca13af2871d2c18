package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.BlockTile
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.RowEncoder
import kumiko.runtime.tensor.fillBlocks
import kumiko.runtime.tensor.setScale
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.random.Random

private const val BLOCK = 32

/** Two rows of tiles, of which the second is not full. */
private const val WEIGHTS = 37

/** Random blocks, random factors with no number behind them, and results of which the last is nobody's. */
private class Blocks(val type: DType, val rows: Int, val columns: Int, random: Random, factor: (Int) -> Float) {
    private val arena: Arena = Arena.ofAuto()
    val data: MemorySegment = arena.allocate(RowEncoder.bytes(type, WEIGHTS, columns), 64)
    private val slab = RowEncoder.matrix(type, WEIGHTS, columns, data).slabs().single()
    private val x: MemorySegment = arena.allocate(4L * (columns + BLOCK) * rows)
    private val multiplied = BlockProduct.together(rows)
    private val y: MemorySegment = arena.allocate(4L * (2 * multiplied * BLOCK + 1)).fill(-1)

    init {
        fillBlocks(type, WEIGHTS, columns, data, random) { _, _ -> random.nextDouble(-0.1, 0.1).toFloat() }
        for (r in 0 until rows) {
            for (k in 0 until columns + BLOCK) {
                x.set(ValueLayout.JAVA_FLOAT, 4L * (r * (columns + BLOCK) + k), if (k < columns) factor(r + k) else Float.NaN)
            }
        }
    }

    fun multiply(product: BlockProduct) {
        val packed = arena.allocate(product.packedBytes(multiplied, columns), 64).fill(-1)
        for (r in 0 until rows) product.pack(type, x.address() + 4L * r * (columns + BLOCK), columns, packed.address(), r, multiplied)
        product.dots(type, data.address(), 2, packed.address(), multiplied, columns, y.address())
    }

    fun factor(row: Int, k: Int) = x.get(ValueLayout.JAVA_FLOAT, 4L * (row * (columns + BLOCK) + k)).toDouble()

    private fun weight(i: Int, k: Int) = Elements.get(type, slab, i, k)

    fun result(row: Int, i: Int) = y.get(ValueLayout.JAVA_FLOAT, 4L * ((i / BLOCK * multiplied + row) * BLOCK + i % BLOCK)).toDouble()

    fun behind() = y.get(ValueLayout.JAVA_INT, 4L * 2 * multiplied * BLOCK)

    fun exact(row: Int, i: Int) = (0 until columns).sumOf { factor(row, it) * weight(i, it) }

    /** Each factor rounded by so much of its block's largest or of 2^-100, and sums of so many terms in float32. */
    fun mostError(row: Int, i: Int, ofLargest: Double) = (0 until columns).groupBy { it / BLOCK }.values.sumOf { block ->
        val largest = maxOf(block.maxOf { abs(factor(row, it)) }, TINY)
        block.sumOf {
            abs(weight(i, it))
        } * largest * ofLargest + block.sumOf { abs(weight(i, it) * factor(row, it)) } * columns * UNIT
    }

    companion object {
        const val UNIT = 1.0 / (1 shl 24)
        val TINY = Math.scalb(1.0, -100)
    }
}

class BlockProductSpec : FunSpec({
    /** Digits where there are such, bits of a factor that count, and how memory is asked for. */
    data class Kind(val width: Width, val digits: Int, val bits: Int, val ahead: Ahead)
    val whole = Processor.current().firstMissing("avx512vbmi", "avx512_vnni") == null
    val awkward = listOf(32, 64, 96, 128, 160, 192, 224, 256, 288, 512, 544, 608, 1056, 2208, 4096)

    for ((width, digits, bits, ahead) in listOf(
        Kind(Width.AVX512, 3, 22, Ahead.TWICE),
        Kind(Width.AVX512, 2, 14, Ahead.ONCE),
        Kind(Width.AVX512, 2, 14, Ahead.GAPS),
        Kind(Width.AVX512, 3, 22, Ahead.CLOSE),
        Kind(Width.AVX2, 3, 24, Ahead.STRAIGHT),
    )) {
        val here = width.here && (whole || width == Width.AVX2)
        val product = if (here) BlockProduct(digits, ahead, width.pages()) else null
        val ofLargest = 0.51 * Math.scalb(1.0, -bits)

        for (type in listOf(DType.Q8_0, DType.Q4_0)) {
            fun compare(blocks: Blocks, clue: String) {
                blocks.multiply(product!!)
                for (row in 0 until blocks.rows) {
                    for (i in 0 until WEIGHTS) {
                        val want = blocks.exact(row, i)
                        withClue("$clue, ${blocks.rows} x ${blocks.columns}, row $row, weight $i: $want, ${blocks.result(row, i)}") {
                            abs(blocks.result(row, i) - want) shouldBeLessThanOrEqual blocks.mostError(row, i, ofLargest)
                        }
                    }
                }
                blocks.behind() shouldBe -1
            }

            test(
                "dots of $type weights with few rows, and nothing behind a row takes part, by $width, $digits digits asking $ahead",
            ).config(enabled = here) {
                val random = Random(1)
                for (rows in 1..8) {
                    for (columns in if (rows in setOf(1, 4, 8)) awkward else listOf(96, 288)) {
                        compare(Blocks(type, rows, columns, random) { random.nextDouble(-1.0, 1.0).toFloat() }, "random")
                    }
                }
            }

            test(
                "many rows of tiles of $type get, bit for bit, what each gets alone by $width, $digits digits asking $ahead",
            ).config(enabled = here) {
                val own = product!!
                val random = Random(6)
                val arena = Arena.ofAuto()
                for ((tileRows, columns) in listOf(9 to 96, 4 to 2048, 3 to 64)) {
                    val weights = arena.allocate(RowEncoder.bytes(type, tileRows * BLOCK, columns), 64)
                    fillBlocks(type, tileRows * BLOCK, columns, weights, random) { _, _ -> random.nextDouble(-0.1, 0.1).toFloat() }
                    val x = arena.allocate(4L * columns)
                    for (k in 0L until columns) x.set(ValueLayout.JAVA_FLOAT, 4 * k, random.nextDouble(-1.0, 1.0).toFloat())
                    val packed = arena.allocate(own.packedBytes(1, columns), 64)
                    own.pack(type, x.address(), columns, packed.address(), 0, 1)
                    val (together, apart) = List(2) { arena.allocate(4L * (tileRows * BLOCK + 1)).fill(-1) }
                    own.dots(type, weights.address(), tileRows, packed.address(), 1, columns, together.address())
                    for (t in 0 until tileRows) {
                        val tiles = weights.address() + BlockTile.offset(type, columns.toLong(), t * BLOCK, 0)
                        own.dots(type, tiles, 1, packed.address(), 1, columns, apart.address() + 4L * t * BLOCK)
                    }
                    withClue("$tileRows rows of tiles, $columns columns") { together.mismatch(apart) shouldBe -1 }
                }
            }

            test(
                "a block of factors a million times another takes nothing from that in $type by $width, $digits digits asking $ahead",
            ).config(enabled = here) {
                val random = Random(2)
                val blocks = Blocks(type, 2, 256, random) {
                    (random.nextDouble(-1.0, 1.0) * if (it / BLOCK == 3) 1e6 else 1.0).toFloat()
                }
                for (i in 0 until WEIGHTS) setScale(type, 256, blocks.data, i, 3, 0f)
                compare(blocks, "one large block")
            }

            test(
                "factors of zero, of the smallest and of the largest numbers meet $type weights by $width, $digits digits asking $ahead",
            ).config(enabled = here) {
                val random = Random(3)
                for (value in listOf(0f, -0f, Float.MIN_VALUE, 1e-35f, 1f, -1f, 1.9999999f, -1.9999999f, 3e30f)) {
                    compare(Blocks(type, 1, 160, random) { if (it % 3 == 0) value else -value }, "$value")
                }
            }

            test("the most negative and the largest weights and factors of $type do not overflow in $digits digits asking $ahead").config(
                enabled = here,
            ) {
                for (factor in listOf(-1.9999999f, 1.9999999f, 1.9921694f, 1.9921695f, -1.9921695f)) {
                    for (bits in listOf(0, -1)) {
                        val blocks = Blocks(type, 3, 64, Random(4)) { factor }
                        blocks.data.fill(bits.toByte())
                        for (i in 0 until WEIGHTS) for (block in 0..1) setScale(type, 64, blocks.data, i, block, 0.1f)
                        compare(blocks, "bits $bits, factors $factor")
                    }
                }
            }

            test("a factor that is not finite makes every $type result of $digits digits asking $ahead no number").config(enabled = here) {
                for (value in listOf(Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY)) {
                    val blocks = Blocks(type, 1, 128, Random(5)) { if (it == 77) value else 1f }
                    blocks.multiply(product!!)
                    val results = (0 until WEIGHTS).map { blocks.result(0, it) }
                    withClue("$value") { results.none { if (width == Width.AVX2) it.isFinite() else !it.isNaN() } shouldBe true }
                }
            }
        }
    }
})
