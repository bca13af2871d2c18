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
import kotlin.math.exp
import kotlin.random.Random

private const val LANES = PanelLayout.LANES
private const val SHRUNK = 4 * PanelLayout.TILE_BYTES
private const val SCALE = 0.5f

private fun MemorySegment.at(i: Int) = get(ValueLayout.JAVA_FLOAT, 4L * i)

private fun MemorySegment.put(i: Int, value: Float) = set(ValueLayout.JAVA_FLOAT, 4L * i, value)

private fun MemorySegment.bf16(i: Int) = Elements.get(DType.BF16, this, i.toLong())

class PairAttentionSpec : FunSpec({
    val here = Processor.current().let {
        it.system() == Processor.LINUX && it.firstMissing("avx512bw", "bmi2", "avx512_bf16") == null
    }
    val arena = Arena.ofAuto()
    val attention = if (here) PairAttention(CodePages(arena)) else null
    val single = if (here) PanelAttention(CodePages(arena)) else null

    test("scores become the exponentials of float32, rounded to bf16, two keys side by side").config(enabled = here) {
        val random = Random(1)
        for (strips in 1..4) {
            for (keys in listOf(2, 16, 34)) {
                val memory = arena.allocate(PanelAttention.STATE_BYTES + keys.toLong() * PanelLayout.TILE_BYTES, 64)
                for (lane in 0 until LANES) {
                    memory.set(ValueLayout.JAVA_INT, PanelAttention.FIRST + 4L * lane, random.nextInt(100, 110))
                    memory.set(ValueLayout.JAVA_INT, PanelAttention.END + 4L * lane, random.nextInt(100, 140))
                    memory.put((PanelAttention.MAX / 4) + lane, random.nextDouble(-3.0, 3.0).toFloat())
                    memory.put((PanelAttention.SUM / 4) + lane, random.nextDouble(1.0, 2.0).toFloat())
                }
                val tile = PanelAttention.STATE_BYTES / 4
                for (i in 0 until keys * LANES) memory.put(tile + i, random.nextDouble(-30.0, 10.0).toFloat())
                val want = arena.allocate(memory.byteSize(), 64).copyFrom(memory)
                single!!.soften(want.address() + PanelAttention.STATE_BYTES, strips, 105, keys, SCALE)
                val lanes = strips * PanelLayout.STRIP
                val panel = arena.allocate((keys / 2 + 1L) * lanes * 4, 64).fill(-1)
                val state = memory.address()
                attention!!.soften(state + PanelAttention.STATE_BYTES, state, strips, 105, keys, SCALE, panel.address())
                for (lane in 0 until lanes) {
                    withClue("$strips strips, $keys keys, lane $lane") {
                        for (key in 0 until keys) {
                            val exact = want.at(tile + key * LANES + lane)
                            panel.bf16((key / 2 * lanes + lane) * 2 + key % 2) shouldBe
                                (if (exact < java.lang.Float.MIN_NORMAL) 0.0 else Elements.nearestBfloat16(exact).toDouble())
                        }
                        for (part in listOf(PanelAttention.FIRST, PanelAttention.END, PanelAttention.MAX, SHRUNK)) {
                            memory.at(part / 4 + lane) shouldBe want.at(part / 4 + lane)
                        }
                        val sum = want.at(PanelAttention.SUM / 4 + lane).toDouble()
                        abs(memory.at(PanelAttention.SUM / 4 + lane) - sum) shouldBeLessThanOrEqual keys * 6e-8 * sum
                    }
                }
                panel.bf16(keys * lanes).isNaN() shouldBe true
            }
        }
    }

    test("what was mixed shrinks by the factor of its lane, in the strips that there are").config(enabled = here) {
        for (strips in 1..4) {
            val state = arena.allocate(PanelAttention.STATE_BYTES.toLong(), 64)
            for (lane in 0 until LANES) state.put(SHRUNK / 4 + lane, exp(-lane / 16.0).toFloat())
            val mixed = arena.allocate(6L * PanelLayout.TILE_BYTES, 64)
            for (i in 0 until 6 * LANES) mixed.put(i, i + 1f)
            attention!!.shrink(mixed.address(), state.address(), strips, 5)
            for (i in 0 until 6 * LANES) {
                val lane = i % LANES
                val factor = if (i < 5 * LANES && lane < strips * PanelLayout.STRIP) state.at(SHRUNK / 4 + lane) else 1f
                withClue("$strips strips, element $i") { mixed.at(i) shouldBe factor * (i + 1f) }
            }
        }
    }

    test("values are rounded and turned, with rows of zeros up to sixteen").config(enabled = here) {
        val random = Random(2)
        for (columns in listOf(1, 15, 16, 17, 64, 80)) {
            for (blocks in 1..3) {
                val keys = blocks * PairAttention.KEYS
                val values = arena.allocate(4L * keys * columns, 4)
                for (i in 0 until keys * columns) values.put(i, random.nextDouble(-2.0, 2.0).toFloat())
                val rows = (columns + 15) / 16 * 16
                val stride = keys + 6
                val to = arena.allocate(2L * rows * stride, 4).fill(7)
                val gap = to.bf16(keys)
                attention!!.turn(values.address(), blocks, columns, to.address(), 2L * stride)
                for (d in 0 until rows) {
                    for (k in 0 until stride) {
                        val want = when {
                            k >= keys -> gap
                            d >= columns -> 0.0
                            else -> Elements.nearestBfloat16(values.at(k * columns + d)).toDouble()
                        }
                        withClue("$columns columns, $keys keys, column $d, key $k") { to.bf16(d * stride + k) shouldBe want }
                    }
                }
            }
        }
    }
})
