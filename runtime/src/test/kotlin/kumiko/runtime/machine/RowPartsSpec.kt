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
private const val UNTOUCHED = 0x07070707

class RowPartsSpec : FunSpec({
    val here = Processor.current().firstMissing("avx512bw", "avx512_bf16") == null
    val arena = Arena.ofAuto()

    /** The parts of rows of whatever bits, each with the float32 that they are of. */
    fun split(columns: Int, bits: () -> Int): List<Pair<Float, List<Float>>> {
        val stride = 4L * columns + GAP
        val data = arena.allocate(ROWS * stride, 4)
        for (i in 0 until data.byteSize() / 4) data.set(ValueLayout.JAVA_INT, 4 * i, bits())
        val rowStride = 2L * RowParts.PARTS * columns + 4
        val to = arena.allocate(ROWS * rowStride).fill(7)
        RowParts(CodePages(arena)).split(data.address() + GAP, stride, ROWS, columns, to.address(), rowStride)
        fun part(row: Int, group: Int, part: Int): MemorySegment =
            to.asSlice(row * rowStride + (RowParts.PARTS * group + part) * RowParts.GROUP_BYTES)
        for (r in 0 until ROWS) to.get(ValueLayout.JAVA_INT_UNALIGNED, (r + 1) * rowStride - 4) shouldBe UNTOUCHED
        return (0 until ROWS).flatMap { r ->
            (0 until columns).map { k ->
                data.get(ValueLayout.JAVA_FLOAT, r * stride + GAP + 4L * k) to
                    List(RowParts.PARTS) { p ->
                        Elements.get(DType.BF16, part(r, k / RowParts.COLUMNS, p), k % RowParts.COLUMNS.toLong()).toFloat()
                    }
            }
        }
    }

    test("three numbers of bf16 are, summed from the last, each float32 that is not very small, bit for bit").config(enabled = here) {
        val random = Random(1)
        for (columns in listOf(32, 64, 352)) {
            for ((x, parts) in split(columns) { random.nextInt() }) {
                val sum = parts[2] + parts[1] + parts[0]
                when {
                    x.isNaN() -> sum.isNaN() shouldBe true

                    // The last part of such a number may be below 2^-126.
                    x in -TINY..TINY -> withClue("$x") { (sum - x in -SMALLEST..SMALLEST) shouldBe true }

                    else -> withClue("$x in $parts") { (sum == x) shouldBe true }
                }
            }
        }
    }

    test("of an infinity the first part is that and the others are nothing; of what is no number there is none").config(enabled = here) {
        val signalling = 0x7f80_0001
        val bits = listOf(Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY, Float.MAX_VALUE, -0f).map { it.toRawBits() } + signalling
        var i = 0
        for ((x, parts) in split(32) { bits[i++ % bits.size] }) {
            when {
                x.isNaN() -> (parts[2] + parts[1] + parts[0]).isNaN() shouldBe true
                x.isInfinite() -> parts shouldBe listOf(x, 0f, 0f)
                else -> (parts[2] + parts[1] + parts[0]) shouldBe x
            }
        }
    }
})

/** 2^-103. */
private const val TINY = 9.8607613e-32f

/** 2^-125, as two parts may be below 2^-126. */
private const val SMALLEST = 2.3509887e-38f
