package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.random.Random

private const val STRIPS = 3

class PanelMovesSpec : FunSpec({
    val pairs = Processor.current().firstMissing("avx512bw", "avx512_bf16") == null
    val arena = Arena.ofAuto()

    fun rows(columns: Int, value: (Int) -> Float): List<MemorySegment> = List(PanelLayout.STRIP) {
        val row = arena.allocate(4L * columns, 4)
        for (k in 0 until columns) row.set(ValueLayout.JAVA_FLOAT, 4L * k, value(k))
        row
    }

    fun addresses(rows: List<MemorySegment>): MemorySegment = arena.allocate(8L * rows.size, 8).also {
        rows.forEachIndexed { i, row -> it.set(ValueLayout.JAVA_LONG, 8L * i, row.address()) }
    }

    test("rows are rounded to nearest even and laid in pairs, side by side, and no column is read that they do not have").config(
        enabled = pairs,
    ) {
        val moves = PanelMoves(CodePages(arena))
        val random = Random(1)
        for (columns in listOf(1, 2, 15, 16, 17, 31, 32, 33, 63, 64, 100)) {
            val rows = rows(columns) { Float.fromBits(random.nextInt()).takeIf { it.isFinite() } ?: 1f }
            val panel = arena.allocate(PanelLayout.panelBytes(columns))
            moves.pack(addresses(rows).address(), 0, columns, panel.address() + 2 * 64, STRIPS)
            for ((lane, row) in rows.withIndex()) {
                for (k in 0 until columns + columns % 2) {
                    val value = if (k < columns) row.get(ValueLayout.JAVA_FLOAT, 4L * k) else 0f
                    val want = Elements.nearestBfloat16(normal(value)).toDouble()
                    val index = (k / 2L * STRIPS * PanelLayout.STRIP + 2 * PanelLayout.STRIP + lane) * 2 + k % 2
                    withClue("$columns columns, lane $lane, column $k: $value") { Elements.get(DType.BF16, panel, index) shouldBe want }
                }
            }
        }
    }

    test("columns are laid in pairs, side by side, as they are, and nothing behind a column takes part").config(enabled = pairs) {
        val moves = PanelMoves(CodePages(arena))
        val random = Random(2)
        for (count in listOf(1, 2, 3, 8, 33)) {
            val panels = listOf(1 to 1, 5 to 2, 15 to 1, 16 to 3, 17 to 2, 32 to 2, 47 to 3, 48 to 4, 49 to 4, 63 to 4, 64 to 4)
            for ((lanes, strips) in panels) {
                val width = lanes + 3
                val columns = arena.allocate(2L * (count * width - 3), 2)
                for (i in 0 until columns.byteSize() / 2) {
                    columns.set(ValueLayout.JAVA_SHORT, 2 * i, if (i % width < lanes) random.nextInt().toShort() else -1)
                }
                val lanesFilled = PanelLayout.STRIP * strips
                val bytes = 4L * lanesFilled * ((count + 1) / 2)
                val panel = arena.allocate(bytes + 64).fill(1)
                moves.packColumns(columns.address(), 2L * width, count, lanes, strips, panel.address())
                for (k in 0 until count + count % 2) {
                    for (lane in 0 until lanesFilled) {
                        val want = if (k < count && lane < lanes) columns.get(ValueLayout.JAVA_SHORT, 2L * (k * width + lane)) else 0
                        val got = panel.get(ValueLayout.JAVA_SHORT, (k / 2L * lanesFilled + lane) * 4 + k % 2 * 2)
                        withClue("$count columns, $lanes lanes, column $k, lane $lane") { got shouldBe want }
                    }
                }
                panel.asSlice(bytes).mismatch(arena.allocate(64).fill(1)) shouldBe -1
            }
        }
    }

    for (width in Width.entries) {
        test("rows of float32 are laid side by side by $width, and no column is read that they do not have").config(enabled = width.here) {
            val moves = PanelMoves(width.pages())
            for (columns in listOf(1, 2, 15, 16, 17, 33, 100)) {
                var next = 0f
                val rows = rows(columns) { next++ }
                val panel = arena.allocate(64L * STRIPS * (columns + PanelLayout.STRIP))
                moves.packFloats(addresses(rows).address(), 0, columns, panel.address() + 64, STRIPS)
                for (k in 0 until columns) {
                    for ((lane, row) in rows.withIndex()) {
                        panel.get(
                            ValueLayout.JAVA_FLOAT,
                            64L * (k * STRIPS + 1) + 4L * lane,
                        ) shouldBe row.get(ValueLayout.JAVA_FLOAT, 4L * k)
                    }
                }
            }
        }

        test("results are added to rows by $width in the lanes that there are, and to nothing else").config(enabled = width.here) {
            val moves = PanelMoves(width.pages())
            val tile = arena.allocate(3L * PanelLayout.TILE_BYTES)
            for (i in 0 until 3 * 64) tile.set(ValueLayout.JAVA_FLOAT, 4L * i, i.toFloat())
            for (lanes in listOf(1, 15, 16, 17, 40, 63, 64)) {
                val y = arena.allocate(4L * 3 * 70)
                moves.addRows(tile.address(), y.address(), 4L * 70, 3, lanes)
                for (i in 0 until 3 * 70) {
                    y.get(ValueLayout.JAVA_FLOAT, 4L * i) shouldBe if (i % 70 < lanes) i / 70 * 64f + i % 70 else 0f
                }
            }
        }
    }

    for (width in Width.entries) {
        for (step in 1..2) {
            test("results are added by $width to the lanes and columns that there are, $step apart, and to nothing else").config(
                enabled = width.here,
            ) {
                val moves = PanelMoves(width.pages())
                val stride = 35
                val rowBytes = 192
                val tile = arena.allocate(16L * rowBytes)
                for (i in 0 until 16 * 48) tile.set(ValueLayout.JAVA_FLOAT, 4L * i, i.toFloat())
                for (lanes in 1..16) {
                    for (count in 1..16) {
                        val y = arena.allocate(4L * 16 * stride)
                        for (i in 0 until 16 * stride) y.set(ValueLayout.JAVA_FLOAT, 4L * i, 0.5f)
                        val add = if (step == 1) moves::add else moves::addToEverySecond
                        add(tile.address() + 64, rowBytes, y.address(), 4L * stride, lanes, count)
                        for (lane in 0 until 16) {
                            for (c in 0 until stride) {
                                val isAdded = lane < lanes && c % step == 0 && c / step < count
                                val added = if (isAdded) c / step * 48 + 16 + lane else 0
                                y.get(ValueLayout.JAVA_FLOAT, 4L * (lane * stride + c)) shouldBe 0.5f + added
                            }
                        }
                    }
                }
            }
        }
    }
})
