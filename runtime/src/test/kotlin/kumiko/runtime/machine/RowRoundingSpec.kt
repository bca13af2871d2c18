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

private const val ROWS = 3
private const val GAP = 8

class RowRoundingSpec : FunSpec({
    val here = Processor.current().firstMissing("avx512bw", "bmi2", "avx512_bf16") == null
    val arena = Arena.ofAuto()

    /** Rows of any bits at all, but for scales, which are small numbers. */
    fun rows(type: DType, columns: Int, random: Random): MemorySegment {
        val stride = type.bytes(columns.toLong()) + GAP
        val data = arena.allocate(ROWS * stride, 4)
        for (i in 0 until data.byteSize()) data.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
        for (r in 0 until ROWS) {
            val row = r * stride + GAP
            if (type.blockElements() > 1) {
                for (b in 0 until columns / type.blockElements()) {
                    val scale = java.lang.Float.floatToFloat16(random.nextFloat() / 64 - 1f / 128)
                    data.set(ValueLayout.JAVA_SHORT_UNALIGNED, row + b * type.blockBytes().toLong(), scale)
                }
            }
        }
        return data
    }

    fun rounded(type: DType, data: MemorySegment, row: Long, k: Int): Double {
        val own = data.asSlice(row)
        val value = Elements.get(type, own, k.toLong()).toFloat()
        return Elements.nearestBfloat16(normal(value)).toDouble()
    }

    for (type in listOf(DType.F32, DType.Q8_0, DType.Q4_0)) {
        test("rows of $type are rounded to nearest even from any column on, and zeros fill up the last 32").config(enabled = here) {
            val rounding = RowRounding(CodePages(arena))
            val random = Random(1)
            val block = type.blockElements()
            val sizes = if (block > 1) listOf(32, 64, 96, 256) else listOf(1, 15, 16, 17, 31, 32, 33, 63, 100)
            for (columns in sizes) {
                for (from in listOf(0, block)) {
                    val data = rows(type, columns + from, random)
                    val stride = type.bytes((columns + from).toLong()) + GAP
                    val filled = (columns + 31) / 32 * 32
                    val to = arena.allocate(ROWS * (2L * filled + 4)).fill(7)
                    rounding.round(type, data.address() + GAP, stride, ROWS, from, columns, to.address(), 2 * filled + 4)
                    for (r in 0 until ROWS) {
                        for (k in 0 until filled) {
                            val want = if (k < columns) rounded(type, data, r * stride + GAP, from + k) else 0.0
                            val got = Elements.get(DType.BF16, to.asSlice(r * (2L * filled + 4)), k.toLong())
                            withClue("$columns columns from $from on, row $r, column $k") {
                                (got == want || got.isNaN() && want.isNaN()) shouldBe true
                            }
                        }
                        to.get(ValueLayout.JAVA_INT_UNALIGNED, r * (2L * filled + 4) + 2L * filled) shouldBe 0x07070707
                    }
                }
            }
        }
    }
})
