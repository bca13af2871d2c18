package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.BlockTile
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.RowEncoder
import kumiko.runtime.tensor.fillBlocks
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.math.pow
import kotlin.random.Random

private const val LANES = TileRows.STRIPS * PanelLayout.STRIP
private const val UNTOUCHED = 0x07070707

class WeightPartsSpec : FunSpec({
    val here = Processor.current().firstMissing("avx512bw") == null
    val arena = Arena.ofAuto()
    val parts by lazy { WeightParts(CodePages(arena)) }

    fun panel(type: DType, steps: Int): MemorySegment =
        arena.allocate(steps * TileParts.ofFloats(type).ofWeight() * 2L * TileRows.STEP * LANES + 64, 64).fill(7)

    /** The parts of column k of a lane, the first one first. */
    fun MemorySegment.parts(type: DType, lane: Int, k: Int): List<Float> {
        val count = TileParts.ofFloats(type).ofWeight()
        return List(count) { part ->
            val pair = (k / TileRows.STEP * count + part) * TileRows.STEP / 2 + k % TileRows.STEP / 2
            Elements.get(DType.BF16, this, (pair * LANES + lane) * 2L + k % 2).toFloat()
        }
    }

    fun MemorySegment.isUntouchedBehind(type: DType, steps: Int) =
        get(ValueLayout.JAVA_INT, steps * TileParts.ofFloats(type).ofWeight() * 2L * TileRows.STEP * LANES) shouldBe UNTOUCHED

    /** They sum up to the weight, from the last on, and each is small beside the one before. */
    fun List<Float>.areOf(weight: Float) = withClue("$weight in $this") {
        reversed().reduce { sum, part -> sum + part } shouldBe weight
        for ((part, next) in zipWithNext()) (abs(next) <= abs(part) * 2f.pow(-8)) shouldBe true
    }

    fun numbers(type: DType, count: Int): MemorySegment {
        val random = Random(1)
        val data = arena.allocate(type.bytes(count.toLong()) + 2)
        for (i in 0L until count) {
            val magnitude = if (type == DType.F32) 2.0.pow(random.nextInt(-90, 120)) else 2.0.pow(random.nextInt(-20, 14))
            Elements.set(type, data, i, random.nextDouble(-1.0, 1.0) * magnitude)
        }
        return data
    }

    for (type in listOf(DType.F32, DType.F16)) {
        test("rows of $type come into a strip as numbers of bf16 that are, summed, each weight bit for bit").config(enabled = here) {
            for (steps in listOf(1, 3)) {
                val columns = steps * TileRows.STEP + 5
                val data = numbers(type, columns * PanelLayout.STRIP)
                val table = arena.allocate(8L * PanelLayout.STRIP)
                for (i in 0 until PanelLayout.STRIP) {
                    table.setAtIndex(ValueLayout.JAVA_LONG, i.toLong(), data.address() + type.bytes(i.toLong() * columns))
                }
                val panel = panel(type, steps)
                parts.packRows(type, table.address(), type.bytes(5), steps, panel.address() + 64)
                for (k in 0 until steps * TileRows.STEP) {
                    for (i in 0 until PanelLayout.STRIP) {
                        panel.parts(type, 16 + i, k).areOf(Elements.get(type, data, i.toLong() * columns + 5 + k).toFloat())
                        panel.parts(type, i, k).forEach { it.toRawBits() shouldBe (UNTOUCHED and 0xffff shl 16) }
                    }
                }
                panel.isUntouchedBehind(type, steps)
            }
        }

        test("columns of $type come into a panel likewise, and lanes that there are not are zero").config(enabled = here) {
            for ((steps, lanes) in listOf(1 to 32, 2 to 1, 2 to 17)) {
                val stride = lanes + 3
                val data = numbers(type, steps * TileRows.STEP * stride)
                val panel = panel(type, steps)
                parts.packColumns(type, data.address(), type.bytes(stride.toLong()), steps, lanes, panel.address())
                for (k in 0 until steps * TileRows.STEP) {
                    for (lane in 0 until LANES) {
                        val weight = if (lane < lanes) Elements.get(type, data, k.toLong() * stride + lane).toFloat() else 0f
                        panel.parts(type, lane, k).areOf(weight)
                    }
                }
                panel.isUntouchedBehind(type, steps)
            }
        }
    }

    for (type in listOf(DType.Q8_0, DType.Q4_0)) {
        test("tiles of $type come into a panel likewise").config(enabled = here) {
            val random = Random(2)
            for (steps in listOf(1, 3)) {
                val columns = steps * TileRows.STEP
                val data = arena.allocate(RowEncoder.bytes(type, BlockTile.ROWS, columns), 64)
                fillBlocks(type, BlockTile.ROWS, columns, data, random) { _, _ -> random.nextFloat() / 64 - 1f / 128 }
                val slab = RowEncoder.matrix(type, BlockTile.ROWS, columns, data).slabs().single()
                val panel = panel(type, steps)
                parts.packBlocks(type, data.address(), steps, panel.address())
                for (k in 0 until columns) {
                    for (lane in 0 until LANES) panel.parts(type, lane, k).areOf(Elements.get(type, slab, lane, k).toFloat())
                }
                panel.isUntouchedBehind(type, steps)
            }
        }
    }

    test("of what is above the numbers of bf16, of an infinity and of what is no number there is no sum").config(enabled = here) {
        for (weight in listOf(Float.MAX_VALUE, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.NaN)) {
            val data = arena.allocate(4L * TileRows.STEP * LANES, 4)
            data.set(ValueLayout.JAVA_FLOAT, 0, weight)
            val panel = panel(DType.F32, 1)
            parts.packColumns(DType.F32, data.address(), 4L * LANES, 1, LANES, panel.address())
            withClue("$weight") { panel.parts(DType.F32, 0, 0).sum().isNaN() shouldBe true }
        }
    }
})
