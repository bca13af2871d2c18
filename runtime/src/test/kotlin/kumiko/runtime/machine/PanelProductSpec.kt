package kumiko.runtime.machine

import io.kotest.assertions.fail
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.random.Random

private const val UNIT = 1.0 / (1 shl 24)

/** A panel of 16 x strips lanes, rows of weights with a gap behind each, and a tile that holds something. */
private class Operands(val random: Random, val strips: Int, val rows: Int, val columns: Int) {
    val lanes = strips * PanelLayout.STRIP
    val stride = 2L * (columns + 3)
    val arena: Arena = Arena.ofAuto()
    val panel: MemorySegment = arena.allocate(PanelLayout.panelBytes(columns))
    val weights: MemorySegment = arena.allocate((rows - 1) * stride + 2L * columns, 2)
    val tile: MemorySegment = arena.allocate(rows.toLong() * PanelLayout.TILE_BYTES)

    init {
        for (i in 0 until weights.byteSize() / 2) Elements.set(DType.BF16, weights, i, Double.NaN)
        for (i in 0 until rows) for (k in 0 until columns) setBf16(weights, i * stride / 2 + k)
        for (k in 0 until columns) for (lane in 0 until lanes) setBf16(panel, panelIndex(k, lane))
        for (i in 0 until tile.byteSize() / 4) tile.set(ValueLayout.JAVA_FLOAT, 4 * i, random.nextDouble(-1.0, 1.0).toFloat())
    }

    private fun setBf16(memory: MemorySegment, index: Long) = Elements.set(DType.BF16, memory, index, random.nextDouble(-2.0, 2.0))

    private fun panelIndex(k: Int, lane: Int) = (k / 2L * lanes + lane) * 2 + k % 2

    fun a(i: Int, k: Int) = Elements.get(DType.BF16, weights, i * stride / 2 + k).toFloat()

    fun b(k: Int, lane: Int) = Elements.get(DType.BF16, panel, panelIndex(k, lane)).toFloat()

    fun results() = List(rows) { i -> FloatArray(lanes) { tile.get(ValueLayout.JAVA_FLOAT, i * PanelLayout.TILE_BYTES + 4L * it) } }

    fun run(product: PanelProduct, cut: Int = rows) {
        product.multiply(panel.address(), strips, weights.address(), stride, cut, columns, tile.address())
        val behind = weights.address() + cut * stride
        if (cut < rows) {
            val rest = tile.address() + cut.toLong() * PanelLayout.TILE_BYTES
            product.multiply(panel.address(), strips, behind, stride, rows - cut, columns, rest)
        }
    }
}

/** The definition, with a rounding error of 2^-24 for each term and each sum at most. */
private fun compare(product: PanelProduct, operands: Operands) {
    val before = operands.results()
    operands.run(product)
    val after = operands.results()
    for (i in 0 until operands.rows) {
        for (lane in 0 until operands.lanes) {
            var sum = before[i][lane].toDouble()
            var magnitudes = abs(sum)
            for (k in 0 until operands.columns) {
                val term = operands.a(i, k).toDouble() * operands.b(k, lane)
                sum += term
                magnitudes += abs(term)
            }
            val allowed = (operands.columns + 2) * UNIT * magnitudes
            if (!(abs(after[i][lane] - sum) <= allowed)) {
                fail("${operands.rows} x ${operands.columns} x ${operands.lanes}: [$i, $lane] is ${after[i][lane]}, not $sum +- $allowed")
            }
        }
    }
}

class PanelProductSpec : FunSpec({
    val pairs = Processor.current().firstMissing("avx512bw", "avx512_bf16") == null
    val tiles = Processor.current().firstMissing("avx512bw", "avx512_bf16", "amx_tile", "amx_bf16") == null
    val sizes = listOf(1, 2, 3, 31, 32, 33, 64, 97, 130)
    val arena = Arena.ofAuto()

    test("the processor's pairs multiply every number of rows, columns and strips as the definition does").config(enabled = pairs) {
        val product = BroadcastProduct(PanelElement.PAIR, CodePages(arena))
        val random = Random(1)
        for (columns in sizes) for (rows in 1..14) for (strips in 1..4) compare(product, Operands(random, strips, rows, columns))
    }

    test("the processor's pairs sum in the order that the manual says, with one rounding for each term").config(enabled = pairs) {
        val product = BroadcastProduct(PanelElement.PAIR, CodePages(arena))
        for (columns in sizes + listOf(511, 512, 513, 1025)) {
            val (got, want) = List(2) { Operands(Random(2), 3, 7, columns) }
            got.run(product)
            want.run(ScalarProduct)
            got.tile.mismatch(want.tile) shouldBe -1
        }
    }

    for (width in Width.entries) {
        test(
            "float32 is summed by $width in the order of columns, each product with one rounding, 256 of them apart from the others",
        ).config(enabled = width.here) {
            val product = BroadcastProduct(PanelElement.SINGLE, width.pages())
            val random = Random(6)
            for (columns in listOf(1, 3, 4, 5, 255, 256, 257, 520)) {
                for (rows in listOf(1, 4, 6, 7)) {
                    for (strips in 1..4) {
                        val panel = FloatArray(columns * strips * PanelLayout.STRIP) { random.nextFloat() - 0.5f }
                        val weights = FloatArray(rows * columns) { random.nextFloat() - 0.5f }
                        val tile = FloatArray(rows * PanelLayout.LANES) { random.nextFloat() }
                        val (a, b, c) = listOf(panel, weights, tile).map { arena.allocateFrom(ValueLayout.JAVA_FLOAT, *it) }
                        product.multiply(a.address(), strips, b.address(), 4L * columns, rows, columns, c.address())
                        for (i in 0 until rows) {
                            for (lane in 0 until strips * PanelLayout.STRIP) {
                                for (piece in (0 until columns).chunked(256)) {
                                    val sum = piece.fold(0f) { sum, k ->
                                        Math.fma(weights[i * columns + k], panel[k * strips * PanelLayout.STRIP + lane], sum)
                                    }
                                    tile[i * PanelLayout.LANES + lane] += sum
                                }
                            }
                        }
                        c.toArray(ValueLayout.JAVA_FLOAT) shouldBe tile
                    }
                }
            }
        }
    }

    test("tiles multiply every number of rows, columns and strips as the definition does, and touch nothing else") {
        val random = Random(3)
        for (columns in sizes + listOf(192, 224)) {
            for (rows in listOf(1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 64, 71)) {
                for (strips in 1..4) {
                    val operands = Operands(random, strips, rows, columns)
                    compare(interpreted(operands, if (rows % 2 == 0) Ahead.TWICE else Ahead.CLOSE), operands)
                }
            }
        }
    }

    test("the processor's tiles compute bit for bit what the manual says, and touch nothing else").config(enabled = tiles) {
        SystemCalls.requestTiles()
        for (ahead in listOf(Ahead.TWICE, Ahead.CLOSE)) {
            val product = TileProduct(BroadcastProduct(PanelElement.PAIR, CodePages(arena)), ahead, CodePages(arena), arena)
            for (columns in sizes) {
                for (rows in listOf(1, 15, 16, 17, 32, 33, 48, 71)) {
                    for (strips in 1..4) {
                        val (got, want) = List(2) { Operands(Random(7), strips, rows, columns) }
                        got.run(product)
                        want.run(interpreted(want))
                        got.tile.mismatch(want.tile) shouldBe -1
                    }
                }
            }
        }
    }

    test("what the processor's pairs reach in registers counts every product and sum").config(enabled = pairs) {
        val halves = arena.allocate(PanelProduct.OPERAND_BYTES.toLong()).fill(0x3f)
        BroadcastProduct(PanelElement.PAIR, CodePages(arena)).multiplyRegisters(halves.address(), 1000) shouldBe 1000L * 24 * 16 * 2 * 2
    }

    test("what tiles reach in registers counts every product and sum, and writes nothing") {
        val operands = Operands(Random(5), 1, 1, 512)
        interpreted(operands).multiplyRegisters(operands.panel.address(), 3) shouldBe 3L * 4 * 16 * 16 * 32 * 2
    }

    test("how rows are divided among calls does not show in what tiles compute") {
        for (cut in listOf(1, 16, 20, 32, 45)) {
            val (whole, parts) = List(2) { Operands(Random(4), 4, 48, 70) }
            whole.run(interpreted(whole))
            parts.run(interpreted(parts), cut)
            parts.tile.mismatch(whole.tile) shouldBe -1
        }
    }
})

/** [TileProduct] by its bytes. Its configurations come after it, so what it may read is asked for when it runs. */
private fun interpreted(operands: Operands, ahead: Ahead = Ahead.TWICE): PanelProduct {
    val configurations = ArrayList<MemorySegment>()
    val recording = object : Arena by operands.arena {
        override fun allocate(bytes: Long, alignment: Long) = operands.arena.allocate(bytes, alignment).also { configurations += it }
    }
    val readable = { listOf(operands.panel, operands.weights, operands.tile) + configurations }
    val writable = { listOf(operands.tile) }
    return TileProduct(ScalarProduct, ahead, { TileInterpreter(it.bytes(), readable, writable) }, recording)
}
