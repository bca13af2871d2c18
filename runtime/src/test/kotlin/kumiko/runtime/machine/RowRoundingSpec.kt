package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout
import kotlin.random.Random

private const val ROWS = 3
private const val GAP = 8

class RowRoundingSpec : FunSpec({
    val here = Processor.current().firstMissing("avx512bw", "bmi2", "avx512_bf16") == null
    val arena = Arena.ofAuto()

    test("rows of float32 are rounded to nearest even, and zeros fill up the last 32").config(enabled = here) {
        val rounding = RowRounding(CodePages(arena))
        val random = Random(1)
        for (columns in listOf(1, 15, 16, 17, 31, 32, 33, 63, 100)) {
            val stride = 4L * columns + GAP
            val data = arena.allocate(ROWS * stride, 4)
            for (i in 0 until data.byteSize()) data.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
            val filled = (columns + 31) / 32 * 32
            val to = arena.allocate(ROWS * (2L * filled + 4)).fill(7)
            rounding.round(data.address() + GAP, stride, ROWS, columns, to.address(), 2 * filled + 4)
            for (r in 0 until ROWS) {
                for (k in 0 until filled) {
                    val value = if (k < columns) data.get(ValueLayout.JAVA_FLOAT, r * stride + GAP + 4L * k) else 0f
                    val want = Elements.nearestBfloat16(normal(value)).toDouble()
                    val got = Elements.get(DType.BF16, to.asSlice(r * (2L * filled + 4)), k.toLong())
                    withClue("$columns columns, row $r, column $k") { (got == want || got.isNaN() && want.isNaN()) shouldBe true }
                }
                to.get(ValueLayout.JAVA_INT_UNALIGNED, r * (2L * filled + 4) + 2L * filled) shouldBe 0x07070707
            }
        }
    }
})
