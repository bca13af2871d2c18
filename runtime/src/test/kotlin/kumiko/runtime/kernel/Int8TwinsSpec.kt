package kumiko.runtime.kernel

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.RowEncoder
import kumiko.runtime.tensor.Rows
import kotlin.math.abs

/** A weight in int8 rows, from random numbers. */
fun Bench.int8Rows(rows: Int, columns: Int): Matrix {
    val data = memory(RowEncoder.bytes(DType.I8_ROWS, rows, columns))
    for (r in 0 until rows) RowEncoder.encode(DType.I8_ROWS, FloatArray(columns) { normal().toFloat() }, data, r)
    return RowEncoder.matrix(DType.I8_ROWS, rows, columns, data)
}

class Int8TwinsSpec : FunSpec({
    val thresholds = listOf(6.0, 1.0, 1e-30, Double.POSITIVE_INFINITY)

    fun rounded(kernels: Kernels, x: Rows, threshold: Double, bench: Bench, from: Int, to: Int): Rows =
        bench.copyOf(x).also { kernels.roundInt8(x, threshold, it, from, to) }

    test("activations are rounded to the same levels by both kernels") {
        val bench = Bench(21)
        for (threshold in thresholds) {
            for (width in listOf(1, 3, 7, 16, 17, 31, 33, 64, 100, 129, 255)) {
                val x = bench.rows(4, width) { 4 * bench.normal() }
                val want = rounded(bench.scalar, x, threshold, bench, 1, 4)
                val got = rounded(bench.vector, x, threshold, bench, 1, 4)
                compareAll(want, got, 0.0, "threshold $threshold, width $width")
            }
        }
    }

    test("ties, zeros, tiny, huge and infinite activations and NaN are rounded to the same by both") {
        val bench = Bench(22)
        val values = listOf(0.0, -0.0, 0.5, 1.5, -2.5, 127.0, -126.5, 1e-40, 3e38, Double.NEGATIVE_INFINITY, Double.NaN)
        for (threshold in thresholds) {
            for (count in 1..values.size) {
                var i = 0
                val x = bench.rows(1, count) { values[i++ % count] }
                val want = rounded(bench.scalar, x, threshold, bench, 0, 1)
                compareAll(want, rounded(bench.vector, x, threshold, bench, 0, 1), 0.0, "threshold $threshold, $count values")
            }
        }
    }

    test("outliers are kept and everything else is within half a level") {
        val bench = Bench(23)
        val x = bench.rows(5, 100) { 5 * bench.normal() }
        val y = rounded(bench.vector, x, 6.0, bench, 0, 5)
        for (r in 0 until 5) {
            val largest = (0 until 100).map { abs(x.at(r, it)) }.filter { it < 6.0 }.max()
            for (c in 0 until 100) {
                val bound = if (abs(x.at(r, c)) >= 6.0) 0.0 else 0.50001 * largest / 127
                abs(x.at(r, c) - y.at(r, c)) shouldBeLessThanOrEqual bound
            }
        }
    }

    test("a row of zeros, and one without anything but outliers, is kept") {
        val bench = Bench(24)
        for (value in listOf(0.0, 7.0, -9.0)) {
            val x = bench.rows(1, 20) { value }
            for (kernels in listOf(bench.scalar, bench.vector)) compareAll(x, rounded(kernels, x, 6.0, bench, 0, 1), 0.0, "$value")
        }
    }

    test("a rounded row times an int8 weight is the paper's sum of integers times units, and outliers in floats beside it") {
        val bench = Bench(25)
        val columns = 257
        val weight = bench.int8Rows(30, columns)
        val data = weight.slabs().first().data()
        val x = bench.rows(3, columns) { 4 * bench.normal() }
        for (kernels in listOf(bench.scalar, bench.vector)) {
            val rows = rounded(kernels, x, 6.0, bench, 0, 3)
            val y = bench.rows(3, 30)
            bench.linear(kernels, weight, null, rows, y, 3, 0, 30, false)
            for (r in 0 until 3) {
                val largest = (0 until columns).map { abs(x.at(r, it)) }.filter { it < 6.0 }.max().toFloat()
                for (c in 0 until 30) {
                    val unit = Elements.get(DType.F32, data.asSlice(c * (columns + 4L), 4), 0)
                    var integers = 0
                    var outliers = 0.0
                    var magnitude = 0.0
                    for (k in 0 until columns) {
                        val w = Elements.get(DType.I8_ROWS, data, c * (columns + 4L) + 4 + k).toInt()
                        magnitude += abs(x.at(r, k) * w * unit)
                        if (abs(
                                x.at(r, k),
                            ) >= 6.0
                        ) {
                            outliers += x.at(r, k) * w
                        } else {
                            integers += Math.rint(x.at(r, k) * 127 / largest).toInt() * w
                        }
                    }
                    val paper = integers * unit * (largest / 127.0) + outliers * unit
                    withClue("${kernels.describe()}, row $r, output $c") {
                        abs(paper - y.at(r, c)) shouldBeLessThanOrEqual Tolerance.sum(columns) * magnitude
                    }
                }
            }
        }
    }

    test("an int8 weight multiplies and embeds as the definition does, whole and in slabs") {
        val bench = Bench(26)
        for (columns in listOf(1, 3, 7, 16, 33, 64, 100, 129, 1056)) {
            for (rows in listOf(1, 3, 4, 9, 30)) bench.compareLinear(bench.int8Rows(71, columns), rows, "$rows x $columns x 71")
        }
        val parts = List(2) { bench.int8Rows(18, 64) }
        for (rows in listOf(1, 5, 20)) {
            bench.compareLinear(Matrix.stackRows(parts), rows, "row ranges")
            bench.compareLinear(Matrix.interleaveRows(parts[0], parts[1]), rows, "interleaved rows")
            bench.compareLinear(parts[0].rows(1, 8, 2), rows, "every second row")
        }
        val ids = bench.ints(17, 0, 9)
        val before = bench.rows(3, 64)
        val want = bench.copyOf(before)
        bench.scalar.embed(parts[0], ids, want, 0, 3)
        for (vector in bench.vectors) {
            val got = bench.copyOf(before)
            vector.embed(parts[0], ids, got, 0, 3)
            want.data().mismatch(got.data()) shouldBe -1
        }
    }
})
