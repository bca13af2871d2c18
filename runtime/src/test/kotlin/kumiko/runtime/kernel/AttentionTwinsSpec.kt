package kumiko.runtime.kernel

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Rows
import java.lang.foreign.MemorySegment

private const val SEQ = 37

class AttentionTwinsSpec :
    FunSpec({
        /** Row r sees keys from..end of a cache of [total] keys. */
        fun Bench.compare(
            headDim: Int,
            total: Int,
            visible: MemorySegment,
            fill: Double,
            softmaxScale: Double = 1.0,
            spread: Double = 1.0,
            heads: Int = 1,
            value: () -> Double = ::normal,
            clue: String,
        ) {
            val query = rows(SEQ, heads * headDim) { spread * normal() }
            val offset = 3L
            val keys = rows(1, total * headDim + 3).data()
            val values = rows(1, total * headDim + 3, value).data()
            val before = rows(SEQ, heads * headDim)
            val (want, steps) = List(2) { copyOf(before) }
            val (from, to) = 2 to SEQ - 1
            val scale = 1 / Math.sqrt(headDim.toDouble())

            fun Kernels.attend(out: Rows, from: Int, to: Int) {
                val scratch = scratch(attentionScratchBytes(headDim, total))
                attention(query, keys, values, offset, headDim, visible, total, scale, softmaxScale, fill, out, SEQ, from, to, scratch)
            }
            scalar.attend(want, from, to)
            val tolerance = 4 * Tolerance.sum(total) * spread
            for (kernels in vectors) {
                val (together, apart) = List(2) { copyOf(before) }
                kernels.attend(together, from, to)
                compareAll(want, together, tolerance, "attention, $clue, ${kernels.describe()}")
                for (row in from until to) kernels.attend(apart, row, row + 1)
                compareAll(want, apart, tolerance, "attention a row at a time, $clue, ${kernels.describe()}")
            }
            val scores = rows(SEQ, total)
            for (head in 0 until heads) {
                vector.scores(query.columns(head * headDim, headDim), keys, offset, headDim, total, scale, scores, from, to)
                vector.softmax(scores, visible, total, softmaxScale, fill, scores, from, to)
                vector.mix(scores, values, offset, headDim, total, steps.columns(head * headDim, headDim), from, to)
            }
            compareAll(want, steps, tolerance, "scores, softmax, mix, $clue")
        }

        fun Bench.causal(total: Int): MemorySegment = ints(*IntArray(2 * SEQ) { if (it % 2 == 0) 0 else total - SEQ + 1 + it / 2 })

        fun Bench.window(total: Int, size: Int): MemorySegment = ints(
            *IntArray(2 * SEQ) {
                val end = total - SEQ + 1 + it / 2
                if (it % 2 == 0) maxOf(0, end - size) else end
            },
        )

        test("fused attention is scores, softmax and mix for every head size and length") {
            val bench = Bench(21)
            for (headDim in listOf(1, 3, 16, 17, 40, 64, 80, 100, 128, 129)) {
                for (total in listOf(SEQ, 64, 100, 255)) {
                    bench.compare(headDim, total, bench.causal(total), Double.NaN, clue = "causal $headDim $total")
                }
            }
            bench.compare(64, 1000, bench.window(1000, 33), Double.NaN, clue = "window")
            bench.compare(64, 300, bench.causal(300), Double.NaN, softmaxScale = 7.0, clue = "scaled")
        }

        test("heads that share their keys are attended to at once") {
            val bench = Bench(26)
            for (heads in 2..6) {
                for (headDim in listOf(16, 20, 64, 150)) {
                    bench.compare(headDim, 130, bench.causal(130), Double.NaN, heads = heads, clue = "$heads heads of $headDim")
                }
            }
            bench.compare(64, 700, bench.window(700, 100), Double.NaN, heads = 4, clue = "heads, window")
            bench.compare(32, 90, bench.causal(90), -2.0, heads = 3, clue = "heads, fill among the scores")
        }

        test("a value that is no number reaches the rows that see its key, and no other") {
            for (bad in listOf(Double.NaN, Double.POSITIVE_INFINITY)) {
                for (total in listOf(60, 200)) {
                    val bench = Bench(27)
                    val place = (total - 10) * 20 + 8
                    var i = 0
                    val value = { if (i++ == place) bad else bench.normal() }
                    bench.compare(20, total, bench.causal(total), Double.NaN, heads = 2, value = value, clue = "$bad of $total")
                }
            }
        }

        test("memory that is too small for the work is refused before it is touched") {
            val bench = Bench(28)
            val rows = bench.rows(1, 64)
            for (kernels in bench.vectors) {
                val bytes = kernels.attentionScratchBytes(64, 500)
                shouldThrow<IllegalArgumentException> {
                    val visible = bench.ints(0, 500)
                    val keys = bench.rows(1, 64 * 500).data()
                    kernels.attention(
                        rows, keys, keys, 0, 64, visible, 500, 1.0, 1.0, Double.NaN, rows, 1, 0, 1, bench.memory(bytes - 1),
                    )
                }.message shouldBe "scratch memory has ${bytes - 1} bytes, and 500 keys need $bytes"
            }
        }

        test("a fill takes part exactly where the visible scores are as low as it is") {
            val bench = Bench(22)
            bench.compare(32, 90, bench.causal(90), -10_000.0, clue = "fill far below")
            bench.compare(32, 90, bench.causal(90), -2.0, clue = "fill among the scores")
            bench.compare(32, 90, bench.window(90, 5), 3.0, softmaxScale = 0.5, clue = "fill above the scores")
            bench.compare(32, 90, bench.causal(90), -100.0, spread = 20.0, clue = "fill near the lowest scores")
        }

        test("large scores do not overflow") {
            val bench = Bench(23)
            bench.compare(64, 120, bench.causal(120), Double.NaN, spread = 50.0, clue = "peaked")
        }

        test("a row that sees no key is zero") {
            val bench = Bench(24)
            val visible = bench.ints(*IntArray(2 * SEQ))
            val keys = bench.rows(1, 640).data()
            val query = bench.rows(SEQ, 32)
            for (kernels in bench.vectors) {
                for (rows in listOf(1, SEQ)) {
                    val out = bench.rows(SEQ, 32)
                    val scratch = bench.scratch(kernels.attentionScratchBytes(16, 40))
                    kernels.attention(query, keys, keys, 0, 16, visible, 40, 1.0, 1.0, Double.NaN, out, rows, 0, rows, scratch)
                    for (r in 0 until rows) for (c in 0 until 32) out.at(r, c) shouldBe 0.0
                }
            }
        }

        test("rows appended to a cache stand head by head") {
            val bench = Bench(25)
            val x: Rows = bench.rows(6, 3 * 20)
            val before = bench.rows(1, 2 + 3 * 11 * 20)
            val want = bench.copyOf(before)
            bench.scalar.append(x, want.data(), 2, 11, 3, 20, 4, 1, 6)
            for (kernels in bench.vectors) {
                val got = bench.copyOf(before)
                kernels.append(x, got.data(), 2, 11, 3, 20, 4, 1, 6)
                want.data().mismatch(got.data()) shouldBe -1
                Elements.get(DType.F32, got.data(), 2L + (2 * 11 + 4) * 20 + 19) shouldBe x.at(1, 59)
            }
        }
    })
