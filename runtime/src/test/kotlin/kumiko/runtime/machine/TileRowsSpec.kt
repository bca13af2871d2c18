package kumiko.runtime.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.random.Random

private const val LANES = TileRows.STRIPS * PanelLayout.STRIP
private val MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE)

/** Rows with a gap behind each, a panel and sums. */
private class Product(seed: Int, val parts: TileParts, val groups: Int, val steps: Int) {
    private val random = Random(seed)
    private val arena: Arena = Arena.ofAuto()
    private val columns = steps * TileRows.STEP
    private val count = groups * TileRows.GROUP
    private val rowStride = 2L * columns * parts.ofRow() + 64
    private val rows = bf16(count * rowStride / 2)
    private val panel = bf16(columns.toLong() * LANES * parts.ofWeight())
    private val work = arena.allocate(TileWork.BYTES.toLong())
    private val configuration = arena.allocate(64, 64).also { TileProduct.configure(it, 16) }
    val sums: MemorySegment = arena.allocate(count * TileRows.SUM_BYTES.toLong()).also {
        for (i in 0 until it.byteSize() / 4) it.set(ValueLayout.JAVA_FLOAT, 4 * i, random.nextFloat())
    }

    private fun bf16(elements: Long) = arena.allocate(2 * elements, 64).also {
        for (i in 0 until elements) Elements.set(DType.BF16, it, i, random.nextDouble(-2.0, 2.0))
    }

    fun byTiles(installer: CodeInstaller, add: Boolean) = multiply(installer, parts, add, panel.address(), rows.address(), steps)

    private fun multiply(installer: CodeInstaller, parts: TileParts, add: Boolean, panel: Long, rows: Long, steps: Int) {
        val fields = mapOf(
            TileWork.PANEL to panel,
            TileWork.ROWS to rows,
            TileWork.ROW_STRIDE to rowStride,
            TileWork.GROUPS to groups.toLong(),
            TileWork.STEPS to steps.toLong(),
            TileWork.SUMS to sums.address(),
            TileWork.RESULT_STRIDE to 4096L,
            TileWork.AHEAD_STRIDE to 4096L,
            TileWork.AHEAD_STEP to 64L,
        )
        for ((field, value) in fields) field.set(work.address(), value)
        TileRows(installer, configuration.address()).multiply(parts, add, work.address())
    }

    private val byBytes =
        CodeInstaller { TileInterpreter(it.bytes(), { listOf(rows, panel, sums, work, configuration) }, { listOf(sums, work) }) }

    fun byBytes(add: Boolean) = byTiles(byBytes, add)

    /** Every part of a step by itself, in the order of the pairs. */
    fun partByPart(add: Boolean) {
        var isFirst = !add
        for (step in 0 until steps) {
            for (pair in parts.pairs()) {
                val place = panel.address() + (step * parts.ofWeight() + pair.weight()) * 2L * TileRows.STEP * LANES
                val row = rows.address() + (step * parts.ofRow() + pair.row()) * 2L * TileRows.STEP
                multiply(byBytes, TileParts.NONE, !isFirst, place, row, 1)
                isFirst = false
            }
        }
    }

    /** [TileProduct] by its bytes, which has a specification of its own. */
    fun byBlocks(add: Boolean) {
        val tile = arena.allocate(count.toLong() * PanelLayout.TILE_BYTES)
        move(tile, add, true)
        val product =
            TileProduct(ScalarProduct, Ahead.TWICE, { TileInterpreter(it.bytes(), { everything }, { listOf(tile) }) }, arena)
        product.multiply(panel.address(), TileRows.STRIPS, rows.address(), rowStride, count, columns, tile.address())
        move(tile, true, false)
    }

    private val everything = listOf(MEMORY)

    private fun move(tile: MemorySegment, copy: Boolean, toTile: Boolean) {
        for (r in 0 until count.toLong()) {
            val (from, to) = listOf(sums to r * TileRows.SUM_BYTES, tile to r * PanelLayout.TILE_BYTES).let {
                if (toTile) it else it.reversed()
            }
            if (copy) MemorySegment.copy(from.first, from.second, to.first, to.second, 4L * LANES)
        }
    }
}

class TileRowsSpec : FunSpec({
    val tiles = Processor.current().firstMissing("amx_tile", "amx_bf16") == null
    val singles = Processor.current().firstMissing("avx512bw") == null

    for (add in listOf(true, false)) {
        val what = if (add) "added to others" else "put in the place of others"
        test("sums of many rows, $what, are those of single tiles bit for bit, and nothing else is touched") {
            for ((groups, steps) in listOf(1 to 1, 1 to 5, 3 to 2)) {
                val (got, want) = List(2) { Product(1, TileParts.NONE, groups, steps) }
                got.byBytes(add)
                want.byBlocks(add)
                got.sums.mismatch(want.sums) shouldBe -1
            }
        }

        for (parts in TileParts.entries) {
            test("sums of products in parts, $parts and $what, are those of the parts one after another, bit for bit") {
                for ((groups, steps) in listOf(1 to 1, 2 to 3)) {
                    val (got, want) = List(2) { Product(3, parts, groups, steps) }
                    got.byBytes(add)
                    want.partByPart(add)
                    got.sums.mismatch(want.sums) shouldBe -1
                }
            }

            test("the processor's tiles compute sums, $parts and $what, bit for bit as the manual says").config(enabled = tiles) {
                SystemCalls.requestTiles()
                for ((groups, steps) in listOf(1 to 1, 2 to 16, 3 to 7)) {
                    val (got, want) = List(2) { Product(2, parts, groups, steps) }
                    got.byTiles(CodePages(Arena.ofAuto()), add)
                    want.byBytes(add)
                    got.sums.mismatch(want.sums) shouldBe -1
                }
            }
        }
    }

    for (delivery in SumDelivery.Delivery.entries) {
        test("sums and a bias reach results, $delivery, of some lanes and with a gap behind each row").config(enabled = singles) {
            val arena = Arena.ofAuto()
            val tile = SumDelivery(CodePages(arena))
            val gap = PanelLayout.STRIP
            for (lanes in listOf(1, 15, 16, 17, 31, 32)) {
                for ((rows, bias) in listOf(1 to null, 5 to null, 5 to FloatArray(lanes) { 0.5f * it })) {
                    val sums = FloatArray(rows * LANES) { it + 0.25f }
                    val before = FloatArray(rows * (LANES + gap)) { -2f * it }
                    val results = arena.allocate(4L * before.size, 64).copyFrom(MemorySegment.ofArray(before))
                    val stride = 4L * (LANES + gap)
                    if (delivery == SumDelivery.Delivery.PUT_PAST && !SumDelivery.canPutPast(results.address(), stride, lanes)) continue
                    val from = arena.allocateFrom(ValueLayout.JAVA_FLOAT, *sums).address()
                    val added = bias?.let { arena.allocateFrom(ValueLayout.JAVA_FLOAT, *it).address() } ?: 0
                    tile.deliver(delivery, from, results.address(), stride, rows, lanes, added)
                    results.toArray(ValueLayout.JAVA_FLOAT) shouldBe FloatArray(before.size) {
                        val (row, lane) = it / (LANES + gap) to it % (LANES + gap)
                        val under = if (delivery == SumDelivery.Delivery.ADD) before[it] else 0f
                        if (lane >= lanes) before[it] else sums[row * LANES + lane] + (bias?.get(lane) ?: 0f) + under
                    }
                }
            }
        }
    }

    test("only whole lines of all lanes are written past the caches") {
        SumDelivery.canPutPast(640, 8192, 32) shouldBe true
        SumDelivery.canPutPast(640, 8192, 31) shouldBe false
        SumDelivery.canPutPast(640, 8180, 32) shouldBe false
        SumDelivery.canPutPast(644, 8192, 32) shouldBe false
    }

    test("a trial of many rows passes by their bytes, and notices one wrong bit of any result") {
        val configuration = Arena.ofAuto().allocate(64, 64).also { TileProduct.configure(it, 16) }
        fun rows(spoil: (Long) -> Unit) = TileRows(
            { code ->
                val routine by lazy { TileInterpreter(code.bytes(), { listOf(MEMORY) }, { listOf(MEMORY) }) }
                Routine { work, b, c, d, e, f ->
                    val results = TileWork.SUMS.get(work)
                    routine.call(work, b, c, d, e, f)
                    spoil(results)
                }
            },
            configuration.address(),
        )
        TileTrial.passes(rows {}) shouldBe true
        for (i in 0L until TileRows.GROUP * LANES) {
            val spoilt = rows { MEMORY.set(ValueLayout.JAVA_INT, it + 4 * i, MEMORY.get(ValueLayout.JAVA_INT, it + 4 * i) xor 1) }
            TileTrial.passes(spoilt) shouldBe false
        }
    }
})
