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
import java.lang.foreign.ValueLayout
import kotlin.random.Random

private const val STRIPS = 4
private const val UNTOUCHED = 0x07070707

class BlockWideningSpec : FunSpec({
    val arena = Arena.ofAuto()

    val kinds = Width.entries.map { PanelElement.SINGLE to it } + (PanelElement.PAIR to Width.AVX512)
    for ((to, width) in kinds) {
        val here = width.here && (to == PanelElement.SINGLE || Processor.current().firstMissing("avx512_bf16") == null)
        for (type in listOf(DType.Q8_0, DType.Q4_0)) {
            test("tiles of $type become two strips of a panel of ${to.columns()} columns an element by $width, and nothing else is written")
                .config(enabled = here) {
                    val widening = BlockWidening(to, width.pages(arena))
                    val random = Random(1)
                    for (columns in listOf(32, 64, 160)) {
                        val data = arena.allocate(RowEncoder.bytes(type, BlockTile.ROWS, columns), 64)
                        fillBlocks(type, BlockTile.ROWS, columns, data, random) { _, _ -> random.nextFloat() / 64 - 1f / 128 }
                        val slab = RowEncoder.matrix(type, BlockTile.ROWS, columns, data).slabs().single()
                        val elements = columns / to.columns()
                        val panel = arena.allocate(64L * STRIPS * elements, 64).fill(7)
                        widening.widen(type, data.address(), columns, panel.address() + 64, STRIPS)
                        for (element in 0 until elements) {
                            for (lane in 0 until 16 * STRIPS) {
                                val at = 64L * STRIPS * element + 4L * lane
                                val row = lane - 16
                                if (row !in 0 until BlockTile.ROWS) {
                                    panel.get(ValueLayout.JAVA_INT, at) shouldBe UNTOUCHED
                                    continue
                                }
                                for (i in 0 until to.columns()) {
                                    val value = Elements.get(type, slab, row, element * to.columns() + i).toFloat()
                                    withClue("$columns columns, row $row, column ${element * to.columns() + i}") {
                                        if (to == PanelElement.PAIR) {
                                            Elements.get(DType.BF16, panel, at / 2 + i).toFloat() shouldBe
                                                Elements.nearestBfloat16(normal(value))
                                        } else {
                                            panel.get(ValueLayout.JAVA_FLOAT, at) shouldBe value
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
        }
    }
})
