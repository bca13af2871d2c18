package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.random.Random

private const val UNIT = 1.0 / (1 shl 24)

/** So many rows of weights without a gap that meet rows of activations. */
private class Meeting(val type: DType, val rows: Int, val others: Int, val columns: Int, val eights: Eights) {
    private val random = Random(8)
    private val arena = Arena.ofAuto()
    val stride = type.bytes(columns.toLong())

    /** Where requests go beyond the last row there may be nothing. */
    val weights: MemorySegment = arena.allocate(stride * rows, 64)
    private val x = arena.allocate(4L * others * columns, 64)
    private val packed = arena.allocate(Math.ceilDiv(columns, eights.columns()).toLong() * Eights.EIGHT * eights.stride(), 64).fill(-1)

    init {
        for (i in 0 until rows.toLong() * columns) Elements.set(type, weights, i, random.nextDouble(-1.0, 1.0))
        // Of bf16, so that nothing is rounded where those are packed.
        for (i in 0 until others * columns) x.setAtIndex(ValueLayout.JAVA_FLOAT, i.toLong(), Elements.nearestBfloat16(random.nextFloat()))
        for (k in 0 until columns step eights.columns()) {
            val count = minOf(eights.columns(), columns - k)
            val to = packed.address() + k.toLong() / eights.columns() * Eights.EIGHT * eights.stride()
            eights.pack(x.address() + 4L * k, 4L * columns, others, count, to)
        }
    }

    /** Results of weights from [first] on, in a tile of their own. */
    fun add(first: Int, count: Int): MemorySegment = arena.allocate(count.toLong() * Eights.TILE_BYTES).also {
        val from = weights.address() + first * stride
        eights.add(type, from, stride, count, packed.address(), others, columns, it.address(), from)
    }

    fun want(row: Int, other: Int) = (0 until columns).sumOf {
        Elements.get(type, weights, row.toLong() * columns + it) * x.getAtIndex(ValueLayout.JAVA_FLOAT, (other * columns + it).toLong())
    }
}

private fun MemorySegment.result(row: Int, other: Int) = get(ValueLayout.JAVA_FLOAT, row.toLong() * Eights.TILE_BYTES + 4L * other)

class WholeRowsSpec : FunSpec({
    val here = Width.AVX512.here
    val bfloat = here && Processor.current().firstMissing("avx512_bf16") == null
    val cache = 48 shl 10

    fun singles(ahead: Ahead): Eights = StoredProduct(ahead, cache, Width.AVX512.pages())

    fun pairs(ahead: Ahead): Eights = Width.AVX512.pages().let { PairEights(RowRounding(it), ahead, it) }

    for (ahead in Ahead.entries.filter { it.streams() > 1 }) {
        val kinds = listOf(DType.F32, DType.BF16, DType.F16).map { Triple(it, here) { singles(ahead) } } +
            Triple(DType.BF16, bfloat) { pairs(ahead) }
        for ((index, kind) in kinds.withIndex()) {
            val (type, runs, eights) = kind
            val how = if (index == 3) "rounded rows" else "rows"
            test(
                "whole rows of $type from three places, or one by one, meet few $how as neighbours do, each by itself too ($ahead)",
            ).config(enabled = runs) {
                for ((rows, others, columns) in listOf(
                    Triple(67, 8, 768),
                    Triple(50, 8, 1024),
                    Triple(49, 3, 2500),
                    Triple(48, 2, 3075),
                    Triple(5, 1, 8000),
                )) {
                    val meeting = Meeting(type, rows, others, columns, eights())
                    withClue("$rows rows, $others others, $columns columns") {
                        meeting.eights.readsWhole(type, meeting.stride, others, columns) shouldBe true
                        val together = meeting.add(0, rows)
                        for (row in 0 until rows) {
                            val alone = meeting.add(row, 1)
                            for (other in 0 until others) {
                                val got = together.result(row, other)
                                alone.result(0, other) shouldBe got
                                abs(got - meeting.want(row, other)) shouldBeLessThanOrEqual (columns + 2) * 2 * UNIT
                            }
                        }
                    }
                }
            }
        }
    }

    test("rows are read whole where they lie in line, and what they meet leaves room in the nearest cache").config(enabled = here) {
        val eights = singles(Ahead.ONCE)
        eights.readsWhole(DType.BF16, 4096, 4, 2048) shouldBe true
        eights.readsWhole(DType.BF16, 4096, 5, 2048) shouldBe false
        eights.readsWhole(DType.BF16, 4160, 4, 2048) shouldBe false
        eights.readsWhole(DType.I8_ROWS, 2048, 4, 2048) shouldBe false
        singles(Ahead.GAPS).readsWhole(DType.BF16, 4096, 4, 2048) shouldBe false
    }

    test("on Zen 5 eight rows of float32 meet shorter pieces of rows than of columns, which leave the nearest cache to weights")
        .config(enabled = here) {
            singles(Ahead.ONCE).run { columns() to inputs() } shouldBe (512 to 1024)
            singles(Ahead.TWICE).run { columns() to inputs() } shouldBe (1024 to 1024)
        }
})
