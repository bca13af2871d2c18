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

/** Rows and results with gaps behind each, and a panel. */
private class Product(seed: Int, val groups: Int, val steps: Int) {
    private val random = Random(seed)
    private val arena: Arena = Arena.ofAuto()
    private val columns = steps * TileRows.STEP
    private val count = groups * TileRows.GROUP
    private val rowStride = 2L * columns + 64
    private val resultStride = 4L * LANES + 12
    private val rows = bf16(count * rowStride / 2)
    private val panel = bf16(columns.toLong() * LANES)
    private val work = arena.allocate(TileRows.WORK_BYTES.toLong())
    private val configuration = arena.allocate(64, 64).also { TileProduct.configure(it, 16) }
    val results: MemorySegment = arena.allocate(count * resultStride).also {
        for (i in 0 until it.byteSize() / 4) it.set(ValueLayout.JAVA_FLOAT, 4 * i, random.nextFloat())
    }

    private fun bf16(elements: Long) = arena.allocate(2 * elements, 64).also {
        for (i in 0 until elements) Elements.set(DType.BF16, it, i, random.nextDouble(-2.0, 2.0))
    }

    fun byTiles(installer: CodeInstaller, add: Boolean) = TileRows(installer, configuration.address()).multiply(
        add, panel.address(), rows.address(), rowStride, groups, steps, results.address(), resultStride, 0, 0, 4096, work.address(),
    )

    fun byBytes(add: Boolean) = byTiles(
        { codes -> codes.map { TileInterpreter(it, { listOf(rows, panel, results, work, configuration) }, { listOf(results, work) }) } },
        add,
    )

    /** [TileProduct] by its bytes, which has a specification of its own. */
    fun byBlocks(add: Boolean) {
        val tile = arena.allocate(count.toLong() * PanelLayout.TILE_BYTES)
        move(tile, add, true)
        val product =
            TileProduct(ScalarProduct, Ahead.TWICE, { codes -> codes.map { TileInterpreter(it, { everything }, { listOf(tile) }) } }, arena)
        product.multiply(panel.address(), TileRows.STRIPS, rows.address(), rowStride, count, columns, tile.address())
        move(tile, true, false)
    }

    private val everything = listOf(MEMORY)

    private fun move(tile: MemorySegment, copy: Boolean, toTile: Boolean) {
        for (r in 0 until count.toLong()) {
            val (from, to) = listOf(results to r * resultStride, tile to r * PanelLayout.TILE_BYTES).let {
                if (toTile) it else it.reversed()
            }
            if (copy) MemorySegment.copy(from.first, from.second, to.first, to.second, 4L * LANES)
        }
    }
}

class TileRowsSpec : FunSpec({
    val tiles = Processor.current().firstMissing("amx_tile", "amx_bf16") == null

    for (add in listOf(true, false)) {
        val what = if (add) "added to results" else "put in the place of results"
        test("sums of many rows, $what, are those of single tiles bit for bit, and nothing else is touched") {
            for ((groups, steps) in listOf(1 to 1, 1 to 5, 3 to 2)) {
                val (got, want) = List(2) { Product(1, groups, steps) }
                got.byBytes(add)
                want.byBlocks(add)
                got.results.mismatch(want.results) shouldBe -1
            }
        }

        test("the processor's tiles compute sums, $what, bit for bit as the manual says").config(enabled = tiles) {
            SystemCalls.requestTiles()
            for ((groups, steps) in listOf(1 to 1, 2 to 16, 3 to 7)) {
                val (got, want) = List(2) { Product(2, groups, steps) }
                got.byTiles(CodePages(Arena.ofAuto()), add)
                want.byBytes(add)
                got.results.mismatch(want.results) shouldBe -1
            }
        }
    }

    test("a trial of many rows passes by their bytes, and notices one wrong bit of any result") {
        val configuration = Arena.ofAuto().allocate(64, 64).also { TileProduct.configure(it, 16) }
        fun rows(spoil: (Long) -> Unit) = TileRows(
            { codes ->
                codes.map { code ->
                    val routine = TileInterpreter(code, { listOf(MEMORY) }, { listOf(MEMORY) })
                    Routine { work, b, c, d, e, f ->
                        val results = MEMORY.get(ValueLayout.JAVA_LONG, work + 48)
                        routine.call(work, b, c, d, e, f)
                        spoil(results)
                    }
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
