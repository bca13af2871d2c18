package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.max
import kotlin.random.Random

private const val LANES = PanelLayout.LANES
private const val SCALE = 0.5f

/** A state and its tile, with numbers that are none behind the tile's last key. */
private class Tile(val keys: Int) {
    private val arena = Arena.ofAuto()
    private val memory: MemorySegment = arena.allocate(PanelAttention.STATE_BYTES + (keys + 1L) * PanelLayout.TILE_BYTES, 4).fill(-1)
    val address = memory.address() + PanelAttention.STATE_BYTES

    fun score(key: Int, lane: Int) = memory.get(ValueLayout.JAVA_FLOAT, place(key, lane))

    fun score(key: Int, lane: Int, value: Float) = memory.set(ValueLayout.JAVA_FLOAT, place(key, lane), value)

    fun state(part: Int, lane: Int) = memory.get(ValueLayout.JAVA_FLOAT, part + 4L * lane)

    fun state(part: Int, lane: Int, value: Float) = memory.set(ValueLayout.JAVA_FLOAT, part + 4L * lane, value)

    fun sees(lane: Int, first: Int, end: Int) {
        memory.set(ValueLayout.JAVA_INT, PanelAttention.FIRST + 4L * lane, first)
        memory.set(ValueLayout.JAVA_INT, PanelAttention.END + 4L * lane, end)
    }

    private fun place(key: Int, lane: Int) = PanelAttention.STATE_BYTES + key.toLong() * PanelLayout.TILE_BYTES + 4L * lane
}

class PanelAttentionSpec : FunSpec({
    for (width in Width.entries) {
        context("by $width") {
            val here = width.here
            val attention = if (here) PanelAttention(width.pages()) else null

            test("scores become exponentials of what lies below the largest that each query has seen").config(enabled = here) {
                val random = Random(1)
                for (strips in 1..4) {
                    for (keys in listOf(1, 2, 17, 40)) {
                        val tile = Tile(keys)
                        val lanes = strips * PanelLayout.STRIP
                        for (lane in 0 until LANES) {
                            tile.sees(lane, random.nextInt(100, 120), random.nextInt(100, 160))
                            tile.state(PanelAttention.MAX, lane, random.nextDouble(-3.0, 3.0).toFloat())
                            tile.state(PanelAttention.SUM, lane, random.nextDouble(1.0, 2.0).toFloat())
                            for (key in 0 until keys) tile.score(key, lane, random.nextDouble(-30.0, 10.0).toFloat())
                        }
                        val before = List(lanes) { lane -> List(keys) { tile.score(it, lane) } }
                        val states = List(lanes) { tile.state(PanelAttention.MAX, it) to tile.state(PanelAttention.SUM, it) }
                        val ranges = List(lanes) {
                            tile.state(PanelAttention.FIRST, it).toRawBits() to tile.state(PanelAttention.END, it).toRawBits()
                        }
                        attention!!.soften(tile.address, strips, 105, keys, SCALE)
                        for (lane in 0 until lanes) {
                            val seen = { key: Int -> 105 + key >= ranges[lane].first && 105 + key < ranges[lane].second }
                            val most = (0 until keys).filter(seen).fold(states[lane].first) { most, key ->
                                max(most, SCALE * before[lane][key])
                            }
                            val want = List(keys) { if (seen(it)) exp((SCALE * before[lane][it] - most).toDouble()) else 0.0 }
                            val sum = states[lane].second * exp((states[lane].first - most).toDouble()) + want.sum()
                            withClue("$strips strips, $keys keys, lane $lane") {
                                tile.state(PanelAttention.MAX, lane) shouldBe most
                                abs(tile.state(PanelAttention.SUM, lane) - sum) shouldBeLessThanOrEqual keys * 1e-7 + 3e-7 * sum
                                for (key in 0 until keys) abs(tile.score(key, lane) - want[key]) shouldBeLessThanOrEqual 1.5e-7 * want[key]
                            }
                        }
                        if (strips < 4) tile.score(0, lanes).let { it.isNaN() shouldBe false }
                        tile.score(keys, 0).isNaN() shouldBe true
                    }
                }
            }

            test("values are weighted for every lane, over what was mixed before, and nothing outside is touched").config(enabled = here) {
                val random = Random(2)
                for (columns in listOf(1, 15, 16, 17, 40, 64, 65, 80, 128, 200)) {
                    for ((strips, keys) in listOf(1 to 1, 2 to 5, 3 to 33, 4 to 7)) {
                        val tile = Tile(keys)
                        val lanes = strips * PanelLayout.STRIP
                        for (lane in 0 until LANES) {
                            tile.state(4 * PanelLayout.TILE_BYTES, lane, random.nextFloat())
                            for (key in 0 until keys) tile.score(key, lane, random.nextFloat())
                        }
                        val arena = Arena.ofAuto()
                        val values = floats(arena, keys * columns + 1) { if (it < keys * columns) random.nextFloat() else Float.NaN }
                        val mixed = floats(arena, lanes * columns + 1) { if (it < lanes * columns) random.nextFloat() else 7f }
                        val before = List(lanes * columns) { mixed.at(it) }
                        attention!!.mix(tile.address, strips, values.address(), keys, columns, mixed.address())
                        for (lane in 0 until lanes) {
                            for (d in 0 until columns) {
                                val sum = (0 until keys).sumOf { tile.score(it, lane).toDouble() * values.at(it * columns + d) }
                                val want = tile.state(4 * PanelLayout.TILE_BYTES, lane).toDouble() * before[lane * columns + d] + sum
                                withClue("$columns columns, $keys keys, lane $lane, column $d") {
                                    abs(mixed.at(lane * columns + d) - want) shouldBeLessThanOrEqual (keys + 2) * 6e-8 * want
                                }
                            }
                        }
                        mixed.at(lanes * columns) shouldBe 7f
                    }
                }
            }

            test("every lane is scaled and sent to its place").config(enabled = here) {
                for (columns in listOf(1, 15, 16, 17, 64, 70)) {
                    for (lanes in listOf(1, 5, 64)) {
                        val arena = Arena.ofAuto()
                        val mixed = floats(arena, lanes * columns) { it.toFloat() }
                        val factors = floats(arena, lanes) { it + 0.5f }
                        val out = floats(arena, lanes * (columns + 1)) { -1f }
                        val places = arena.allocate(8L * lanes, 8)
                        for (lane in 0 until lanes) {
                            places.set(
                                ValueLayout.JAVA_LONG,
                                8L * lane,
                                out.address() + 4L * (lanes - 1 - lane) * (columns + 1),
                            )
                        }
                        attention!!.scale(mixed.address(), places.address(), lanes, factors.address(), columns)
                        for (lane in 0 until lanes) {
                            for (d in 0..columns) {
                                val want = if (d == columns) -1f else (lane + 0.5f) * (lane * columns + d)
                                out.at((lanes - 1 - lane) * (columns + 1) + d) shouldBe want
                            }
                        }
                    }
                }
            }
        }
    }
})

private fun floats(arena: Arena, count: Int, value: (Int) -> Float): MemorySegment = arena.allocate(4L * count, 4).also {
    for (i in 0 until count) it.set(ValueLayout.JAVA_FLOAT, 4L * i, value(i))
}

private fun MemorySegment.at(i: Int) = get(ValueLayout.JAVA_FLOAT, 4L * i)
