package kumiko.runtime.kernel

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Rows
import java.lang.foreign.MemorySegment
import kotlin.math.abs
import kotlin.math.sqrt

/** Largest relative error of one rounding to bf16. */
private const val HALF_LAST = 1.0 / (1 shl 8)

private val twins = vectorTwins(Arithmetic.BFLOAT16)

private val definition = ScalarKernels(DType.F32).with(Arithmetic.BFLOAT16)

/** The same numbers as these kernels keep them in a cache. */
private fun Bench.cached(rows: Rows, kernels: Kernels): MemorySegment {
    val count = rows.data().byteSize() / 4
    val cache = memory(kernels.cacheType().bytes(count))
    for (i in 0 until count) Elements.set(kernels.cacheType(), cache, i, Elements.get(DType.F32, rows.data(), i))
    return cache
}

/** Queries of [heads] heads that share the keys and values of [total] positions. */
private class Scene(val bench: Bench, val seq: Int, val headDim: Int, val total: Int, val heads: Int, value: () -> Double = bench::normal) {
    var query = bench.rows(seq, heads * headDim)
    var keys = bench.rows(1, total * headDim)
    var values = bench.rows(1, total * headDim, value)
    var visible: MemorySegment = sees { 0 to total - seq + it + 1 }
    var fill = Double.NaN
    var softmaxScale = 1.0
    val before = bench.rows(seq, heads * headDim)

    fun sees(range: (Int) -> Pair<Int, Int>): MemorySegment = bench.ints(*(0 until seq).flatMap { row -> range(row).toList() }.toIntArray())

    /** Rows [from] to [to] in pieces of [step]. */
    fun by(kernels: Kernels, rows: Int = seq, from: Int = 0, to: Int = seq, step: Int = seq, values: Rows = this.values): Rows {
        val out = bench.copyOf(before)
        val scratch = bench.scratch(kernels.attentionScratchBytes(headDim, total))
        val scale = 1 / sqrt(headDim.toDouble())
        val (cachedKeys, cachedValues) = listOf(keys, values).map { bench.cached(it, kernels) }
        for (first in from until to step step) {
            kernels.attention(
                query, cachedKeys, cachedValues, values.offset(), headDim, visible, total, scale, softmaxScale, fill, out, rows,
                first, minOf(to, first + step), scratch,
            )
        }
        return out
    }

    /**
     * The definition and a twin multiply the same rounded queries, keys and values, and each rounds its probabilities, relative to the
     * magnitudes of the terms by one rounding at most. All else errs like float32.
     */
    fun compare(clue: String, from: Int = 0, to: Int = seq) {
        val want = by(definition, from = from, to = to)
        val magnitudes = by(definition, from = from, to = to, values = changed(values) { abs(it) })
        for (kernels in twins) {
            val got = by(kernels, from = from, to = to)
            for (i in 0 until want.data().byteSize() / 4) {
                val (w, g, m) = listOf(want, got, magnitudes).map { Elements.get(DType.F32, it.data(), i) }
                val bound = 2 * HALF_LAST * (1 + 2 * HALF_LAST) * abs(m) + 4 * Tolerance.sum(total)
                withClue({ "$clue, element $i: definition $w, ${kernels.describe()} $g" }) {
                    distance(w, g) shouldBeLessThanOrEqual if (bound.isNaN()) 0.0 else bound
                }
            }
        }
    }

    /** Queries are not rounded: only sums are, and keys and values were before. */
    fun compareFew(clue: String) {
        val want = by(definition)
        for (kernels in twins) compareAll(want, by(kernels), 4 * Tolerance.sum(total), "$clue, ${kernels.describe()}")
    }

    fun changed(rows: Rows, change: (Double) -> Double): Rows = bench.copyOf(rows).also {
        for (i in 0 until it.data().byteSize() / 4) Elements.set(DType.F32, it.data(), i, change(Elements.get(DType.F32, it.data(), i)))
    }
}

private fun same(a: Rows, b: Rows, clue: String) = withClue(clue) { a.data().mismatch(b.data()) shouldBe -1 }

class BfloatAttentionSpec : FunSpec({
    test("many rows keep the bound of their rounding for every head size and length") {
        for (headDim in listOf(1, 3, 16, 17, 40, 64, 80, 100, 128, 129)) {
            for (total in listOf(37, 64, 100, 300)) {
                Scene(Bench(31), 37, headDim, total, 1).compare("$headDim of $total", from = 2, to = 36)
            }
        }
        for (heads in 2..6) Scene(Bench(32), 90, 20, 130, heads).compare("$heads heads")
        Scene(Bench(33), 300, 16, 300, 1).compare("more rows than are done at once")
        Scene(Bench(34), 9, 256, 40, 1).compare("wide heads")
        Scene(Bench(35), 9, 300, 40, 1).compare("heads too wide for the vector kernels' tile")
    }

    test("windows, fills and rows that see nothing are as they are defined") {
        fun scene() = Scene(Bench(36), 40, 20, 300, 2)
        scene().apply { visible = sees { maxOf(0, 230 + it) to 261 + it } }.compare("window")
        scene().apply { visible = sees { if (it % 3 == 0) 0 to 0 else 0 to 250 + it } }.compare("nothing seen")
        scene().apply { fill = -10_000.0 }.compare("fill far below")
        scene().apply { fill = -2.0 }.compare("fill among the scores")
        scene().apply {
            fill = 3.0
            softmaxScale = 0.5
        }.compare("fill above the scores")
    }

    test("a value that is no number reaches the rows that see its key, and no other") {
        for (bad in listOf(Double.NaN, Double.POSITIVE_INFINITY)) {
            for (place in listOf(5, 190)) {
                val bench = Bench(37)
                var i = 0
                // Rows of Bench begin five numbers before the first.
                val value = { if (i++ == 5 + place * 20 + 8) bad else bench.normal() }
                val scene = Scene(bench, 80, 20, 200, 1, value)
                scene.compare("$bad at key $place")
                for (kernels in twins) {
                    val out = scene.by(kernels)
                    for (row in 0 until 80) out.at(row, 8).isFinite() shouldBe (place > 120 + row)
                }
            }
        }
    }

    test("queries, keys and values are rounded to bf16, and rounding them before changes no bit") {
        for (kernels in twins + definition) {
            val scene = Scene(Bench(38), 40, 40, 150, 2)
            val out = scene.by(kernels)
            out.data().mismatch(scene.by(kernels.with(Arithmetic.FLOAT32)).data()) shouldNotBe -1
            val nearest = { it: Double -> Elements.nearestBfloat16(it.toFloat()).toDouble() }
            scene.query = scene.changed(scene.query, nearest)
            scene.keys = scene.changed(scene.keys, nearest)
            scene.values = scene.changed(scene.values, nearest)
            same(out, scene.by(kernels), kernels.describe())
        }
    }

    test("few rows keep the bound of float32 for every head size and number of heads") {
        for (seq in listOf(1, 3, Arithmetic.FEW_ROWS)) {
            for (headDim in listOf(1, 3, 16, 20, 64, 100, 128)) {
                for (heads in 1..5) Scene(Bench(40), seq, headDim, 150, heads).compareFew("$seq rows of $heads heads of $headDim")
            }
            Scene(Bench(41), seq, 20, 300, 2).apply { visible = sees { 200 + it to 261 + it } }.compareFew("window")
            Scene(Bench(42), seq, 32, 90, 2).apply { fill = -2.0 }.compareFew("fill among the scores")
        }
    }

    test("scores and mixing read what is rounded, and compute in float32") {
        for (headDim in listOf(1, 20, 64)) {
            val bench = Bench(43)
            val (keys, query) = bench.rows(1, 70 * headDim) to bench.rows(5, headDim)

            fun by(kernels: Kernels): List<Rows> {
                val cache = bench.cached(keys, kernels)
                val scores = Rows(bench.memory(5L * 70 * 4), 70)
                val out = Rows(bench.memory(5L * headDim * 4), headDim)
                kernels.scores(query, cache, keys.offset(), headDim, 70, 0.1, scores, 0, 5)
                kernels.mix(scores, cache, keys.offset(), headDim, 70, out, 0, 5)
                return listOf(scores, out)
            }
            val want = by(definition)
            for (kernels in twins) {
                by(kernels).zip(want) { got, own -> compareAll(own, got, 4 * Tolerance.sum(70), "$headDim, ${kernels.describe()}") }
            }
        }
    }

    test("rows appended to a cache are rounded to nearest even, and nothing beside them is written") {
        for (headDim in listOf(5, 20, 32, 64, 96)) {
            val bench = Bench(44)
            val x = bench.rows(6, 3 * headDim)
            val before = bench.memory(2L * (2 + 3 * 11 * headDim)).fill(0x55)

            fun by(kernels: Kernels): MemorySegment = bench.memory(before.byteSize()).copyFrom(before).also {
                kernels.append(x, it, 2, 11, 3, headDim, 4, 1, 6)
            }
            val want = by(definition)
            Elements.get(DType.BF16, want, 2L + (2 * 11 + 4) * headDim + headDim - 1) shouldBe
                Elements.nearestBfloat16(x.at(1, 3 * headDim - 1).toFloat()).toDouble()
            for (kernels in twins) withClue("$headDim, ${kernels.describe()}") { by(kernels).mismatch(want) shouldBe -1 }
        }
    }

    test("how many rows a sequence has decides, not how many are done at once") {
        for (kernels in twins + definition) {
            val scene = Scene(Bench(39), 40, 24, 170, 3)
            scene.keys = scene.changed(scene.keys) { Elements.nearestBfloat16(it.toFloat()).toDouble() }
            scene.values = scene.changed(scene.values) { Elements.nearestBfloat16(it.toFloat()).toDouble() }
            val float = scene.by(kernels.with(Arithmetic.FLOAT32), step = 1)
            same(float, scene.by(kernels, rows = Arithmetic.FEW_ROWS, step = 1), "few rows, ${kernels.describe()}")
            val whole = scene.by(kernels)
            for (step in listOf(1, 7, 16)) same(whole, scene.by(kernels, step = step), "$step at once, ${kernels.describe()}")
        }
    }
})
