package kumiko.runtime.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout

private val MEMORY = MemorySegment.NULL.reinterpret(Long.MAX_VALUE)

/** [ScalarProduct], after which [spoil] changes one of the results, whose address it is given. */
internal class SpoiledProduct(
    private val row: Int,
    private val lane: Int,
    private val spoil: (Float) -> Float = Math::nextUp,
) : PanelProduct by ScalarProduct {
    override fun multiply(panel: Long, strips: Int, weights: Long, stride: Long, rows: Int, columns: Int, tile: Long) {
        ScalarProduct.multiply(panel, strips, weights, stride, rows, columns, tile)
        val place = tile + row * PanelLayout.TILE_BYTES + 4L * lane
        MEMORY.set(ValueLayout.JAVA_FLOAT, place, spoil(MEMORY.get(ValueLayout.JAVA_FLOAT, place)))
    }
}

/** [ScalarProduct] with other operands than those it is given. */
private class Misled(val change: (LongArray) -> Unit) : PanelProduct by ScalarProduct {
    override fun multiply(panel: Long, strips: Int, weights: Long, stride: Long, rows: Int, columns: Int, tile: Long) {
        val operands = longArrayOf(panel, weights, stride, rows.toLong(), columns.toLong(), tile).also(change)
        ScalarProduct.multiply(operands[0], strips, operands[1], operands[2], operands[3].toInt(), operands[4].toInt(), operands[5])
    }
}

class TileTrialSpec : FunSpec({
    test("a product by the definition passes, and so do tiles by their bytes") {
        TileTrial.passes(ScalarProduct) shouldBe true
        TileTrial.passes(
            TileProduct(ScalarProduct, Ahead.TWICE, { TileInterpreter(it.bytes(), ::anywhere, ::anywhere) }, Arena.ofAuto()),
        ) shouldBe
            true
    }

    test("the processor's pairs pass").config(enabled = Processor.current().firstMissing("avx512bw", "avx512_bf16") == null) {
        TileTrial.passes(BroadcastProduct(PanelElement.PAIR, CodePages(Arena.ofAuto()))) shouldBe true
    }

    test("one bit of any one result is noticed, and a change beside the results too") {
        for (row in 0 until TileTrial.ROWS) {
            for (lane in 0 until PanelLayout.LANES) TileTrial.passes(SpoiledProduct(row, lane)) shouldBe false
        }
    }

    test("a row, a column or a pair too few or too far is noticed, and so are results that are not added") {
        TileTrial.passes(Misled { it[3]-- }) shouldBe false
        TileTrial.passes(Misled { it[4]-- }) shouldBe false
        TileTrial.passes(Misled { it[1] += 2 }) shouldBe false
        TileTrial.passes(Misled { it[0] += 4 }) shouldBe false
        TileTrial.passes(Misled { it[2] -= 2 }) shouldBe false
        TileTrial.passes(Misled { it[5] += 4 }) shouldBe false
        TileTrial.passes(Misled { MEMORY.set(ValueLayout.JAVA_FLOAT, it[5], 0.5f) }) shouldBe false
    }
})

private fun anywhere() = listOf(MEMORY)
