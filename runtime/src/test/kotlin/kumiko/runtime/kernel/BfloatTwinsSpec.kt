package kumiko.runtime.kernel

import io.kotest.assertions.fail
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.RowEncoder
import kumiko.runtime.tensor.Rows
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Slab
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import kotlin.math.abs

/** Largest relative error of one rounding to float32. */
private const val UNIT = 1.0 / (1 shl 24)

/** Largest relative error of one rounding to bf16. */
private const val HALF_LAST = 1.0 / (1 shl 8)

/** What a number of few rows may be rounded by, in the largest of its block. */
private const val ROUGH = 1.0 / (1 shl 14)

private const val BLOCK = 32

private val twins = vectorTwins(Arithmetic.BFLOAT16)

private val definition = ScalarKernels(DType.F32).with(Arithmetic.BFLOAT16)

private fun Bench.bf16(rows: Int, columns: Int, value: () -> Double = ::normal): Matrix {
    val data = memory(2L * rows * columns)
    for (i in 0 until rows.toLong() * columns) Elements.set(DType.BF16, data, i, value())
    return Matrix.of(Tensor(DType.BF16, Shape.of(rows.toLong(), columns.toLong()), data))
}

private fun Bench.quantised(type: DType, rows: Int, columns: Int): Matrix {
    val data = memory(RowEncoder.bytes(type, rows, columns))
    for (r in 0 until rows) RowEncoder.encode(type, FloatArray(columns) { normal().toFloat() }, data, r)
    return RowEncoder.matrix(type, rows, columns, data)
}

private fun Matrix.stored(slab: Slab, row: Int, column: Int): Double =
    Elements.get(dtype(), slab, row, column) * Elements.rowUnit(dtype(), slab, row)

/** The magnitudes of all terms of a result: what the bound on its rounding is proportional to. */
private fun magnitudes(weight: Matrix, bias: Rows, x: Rows, before: Rows, row: Int, column: Int): Double {
    var sum = abs(bias.at(0, column)) + abs(before.at(row, column))
    for (slab in weight.slabs()) {
        val index = slab.indexOf(column)
        for (k in 0 until if (index < 0) 0 else slab.columns()) {
            sum += abs(weight.stored(slab, index, k) * x.at(row, slab.column() + k)) * (1 + HALF_LAST) * (1 + HALF_LAST)
        }
    }
    return sum
}

/**
 * However a sum of n products in float32 is ordered, it errs by n roundings of the magnitudes of its terms at most. The definition
 * rounds once more.
 */
private fun Bench.compare(weight: Matrix, rows: Int, clue: String, x: Rows = rows(rows, weight.columns())) {
    val bias = rows(1, weight.rows())
    val before = rows(rows, weight.rows())
    val want = copyOf(before)
    linear(definition, weight, bias, x, want, rows, 0, weight.rows(), true)
    val terms = weight.slabs().sumOf { it.columns() } + 2 * weight.slabs().size + 4
    for (kernels in twins) {
        val (whole, parts) = List(2) { copyOf(before) }
        val cut = weight.rows() / 3
        linear(kernels, weight, bias, x, whole, rows, 0, weight.rows(), true)
        linear(kernels, weight, bias, x, parts, rows, 0, cut, true)
        linear(kernels, weight, bias, x, parts, rows, cut, weight.rows(), true)
        parts.data().mismatch(whole.data()) shouldBe -1
        for (i in 0 until rows) {
            for (c in 0 until weight.rows()) {
                val allowed = terms * UNIT * magnitudes(weight, bias, x, before, i, c)
                if (!(abs(want.at(i, c) - whole.at(i, c)) <= allowed)) {
                    fail("$clue, ${kernels.describe()}: [$i, $c] is ${whole.at(i, c)}, not ${want.at(i, c)} +- $allowed")
                }
            }
        }
        untouched(before, whole, rows, weight.rows())
    }
}

/** The gaps between the rows, and before the first, stay as they were. */
private fun untouched(before: Rows, after: Rows, rows: Int, width: Int) {
    for (r in 0 until rows) {
        for (c in listOf(-1, width, width + 1)) after.at(r, c) shouldBe before.at(r, c)
    }
}

class BfloatTwinsSpec : FunSpec({
    val awkward = listOf(1, 2, 3, 16, 31, 33, 64, 100, 129)

    test("bf16 products of every awkward size are what the definition says, whole and in parts") {
        val bench = Bench(1)
        for (columns in awkward) {
            for (rows in listOf(1, 2, 15, 17, 48, 65)) bench.compare(bench.bf16(37, columns), rows, "$rows x $columns x 37")
        }
        for (out in awkward) bench.compare(bench.bf16(out, 50), 19, "19 x 50 x $out")
    }

    test("more columns and rows of weights than stay in the cache at once make no difference") {
        val bench = Bench(2)
        bench.compare(bench.bf16(3, 4131), 20, "20 x 4131 x 3")
        bench.compare(bench.bf16(211, 33), 66, "66 x 33 x 211")
        bench.compare(bench.bf16(3, 5), 1030, "1030 x 5 x 3")
    }

    test("many rows multiply as the definition says: several blocks of columns, rows and results left over, slabs") {
        val bench = Bench(10)
        bench.compare(bench.bf16(70, 1088), 98, "98 x 1088 x 70")
        bench.compare(bench.bf16(33, 64), 600, "600 x 64 x 33")
        val pair = List(2) { bench.bf16(40, 64) }
        bench.compare(Matrix.interleaveRows(pair[0], pair[1]), 70, "interleaved rows")
        bench.compare(Matrix.stackRows(pair).rows(5, 36, 2), 70, "every second row")
        bench.compare(Matrix.sum(pair), 70, "sum")
        bench.compare(Matrix.stackColumns(pair), 70, "column parts")
        bench.compare(bench.bf16(1088, 70).transpose(), 70, "70 x 1088 x 70 in columns")
        bench.compare(bench.bf16(64, 70).transpose().rows(3, 40, 1), 70, "some of the columns")
        bench.compare(bench.bf16(64, 70).transpose().rows(3, 20, 2), 70, "every second column")
        for (type in listOf(DType.Q8_0, DType.Q4_0)) bench.compare(bench.quantised(type, 50, 1056), 70, "70 x 1056 x 50 in $type")
    }

    test("a product that nothing is added to is the one added to zeros, to the bit") {
        val bench = Bench(11)
        for (rows in listOf(1, 8, 20, 70, 96)) {
            val weight = bench.bf16(70, 64)
            val x = bench.rows(rows, 64)
            for (kernels in twins) {
                for (bias in listOf(null, bench.rows(1, 70))) {
                    val (zeros, holding) = listOf(bench.rows(rows, 70) { 0.0 }, bench.rows(rows, 70))
                    bench.linear(kernels, weight, bias, x, zeros, rows, 0, 70, true)
                    bench.linear(kernels, weight, bias, x, holding, rows, 0, 70, false)
                    for (r in 0 until rows) for (c in 0 until 70) holding.at(r, c) shouldBe zeros.at(r, c)
                }
            }
        }
    }

    test("results that no cache holds are those of smaller pieces, to the bit") {
        val bench = Bench(12)
        val (rows, width) = 64 to 32_784
        val weight = bench.bf16(width, 32)
        val x = bench.rows(rows, 32)
        for (kernels in twins) {
            val (gaps, whole) = listOf(
                bench.rows(rows, width),
                Rows(Arena.ofAuto().allocate(4L * rows * width, 64).fill(1), width),
            )
            bench.linear(kernels, weight, null, x, gaps, rows, 0, width, false)
            bench.linear(kernels, weight, null, x, whole, rows, 0, width, false)
            for (r in 0 until rows) for (c in 0 until width) if (whole.at(r, c) != gaps.at(r, c)) fail("[$r, $c] of ${kernels.describe()}")
        }
    }

    test("weights whose columns lie in order multiply as the definition says, in every awkward size") {
        val bench = Bench(7)
        for (columns in awkward) {
            for (rows in listOf(1, 2, 8, 9, 17, 97)) bench.compare(bench.bf16(columns, 37).transpose(), rows, "$rows x $columns x 37")
        }
        for (out in awkward) bench.compare(bench.bf16(50, out).transpose(), 19, "19 x 50 x $out")
        bench.compare(bench.bf16(4131, 3).transpose(), 20, "20 x 4131 x 3")
        for (rows in listOf(5, 8)) bench.compare(bench.bf16(1057, 3111).transpose(), rows, "$rows x 1057 x 3111")
        bench.compare(bench.bf16(5, 3).transpose(), 1030, "1030 x 5 x 3")
        for (rows in listOf(2, 20)) {
            bench.compare(bench.bf16(45, 54).transpose().rows(5, 24, 2), rows, "every second row")
            val pair = List(2) { bench.bf16(45, 18).transpose() }
            bench.compare(Matrix.stackColumns(pair), rows, "column parts")
            bench.compare(Matrix.interleaveRows(pair[0], pair[1]), rows, "interleaved rows")
        }
    }

    test("weights put together from slabs multiply as the definition says") {
        val bench = Bench(3)
        for (rows in listOf(1, 6, 20, 65)) {
            val parts = List(3) { bench.bf16(18, 45) }
            bench.compare(Matrix.stackRows(parts), rows, "row ranges")
            bench.compare(Matrix.stackColumns(parts), rows, "column parts")
            bench.compare(Matrix.sum(parts), rows, "sum")
            bench.compare(Matrix.interleaveRows(parts[0], parts[1]), rows, "interleaved rows")
            bench.compare(Matrix.stackRows(parts).rows(5, 24, 2), rows, "every second row")
            bench.compare(bench.bf16(45, 54).transpose(), rows, "transposed")
        }
    }

    test("what lies behind a row of weights, or in another row of activations, does not reach a result") {
        val bench = Bench(4)
        var i = 0
        val wide = bench.bf16(20, 36) { if (i++ % 36 < 33) bench.normal() else Double.NaN }.also { i = 0 }
        val tall = bench.bf16(33, 36) { if (i++ % 36 < 33) bench.normal() else Double.NaN }.transpose()
        for (rows in listOf(1, 2, 17)) {
            bench.compare(wide.columns(0, 33), rows, "NaN behind every row")
            bench.compare(tall.rows(0, 33, 1), rows, "NaN behind every column")
        }
        for (kernels in twins) {
            val x = bench.rows(18, 36)
            Elements.set(DType.F32, x.data(), x.offset() + 3L * x.stride(), Double.POSITIVE_INFINITY)
            val y = bench.rows(18, 20)
            val weight = bench.bf16(20, 36)
            bench.linear(kernels, weight, null, x, y, 18, 0, 20, false)
            for (r in 0 until 18) for (c in 0 until 20) y.at(r, c).isFinite() shouldBe (r != 3)
        }
    }

    test("activations are rounded to bf16, ties to even, in every way and for every number of rows") {
        val bench = Bench(5)
        val half = 1.0 / 256
        val weight = bench.bf16(5, 4) { 1.0 }
        for (kernels in twins + definition) {
            for (rows in listOf(1, 2, 16, 40)) {
                var i = 0
                val values = listOf(1 + half, 1 + 3 * half, -1 - half, 1 + half / 2)
                val x = bench.rows(rows, 4) { 0.0 }
                for (r in 0 until rows) {
                    for (c in 0 until 4) Elements.set(DType.F32, x.data(), x.offset() + r * x.stride() + c, values[i++ % 4])
                }
                val y = bench.rows(rows, 5)
                bench.linear(kernels, weight, null, x, y, rows, 0, 5, false)
                for (r in 0 until rows) for (c in 0 until 5) y.at(r, c) shouldBe 1.0 + (1 + 4 * half) - 1.0 + 1.0
            }
        }
    }

    for (type in listOf(DType.Q8_0, DType.Q4_0)) {
        test("$type weights are rounded for many rows and multiplied as the definition says, whole, in parts and in slabs") {
            val bench = Bench(8)
            for (columns in listOf(32, 64, 96, 1056)) {
                for (rows in listOf(
                    9,
                    11,
                    17,
                    65,
                )) {
                    bench.compare(bench.quantised(type, 37, columns), rows, "$rows x $columns x 37 in $type")
                }
            }
            bench.compare(bench.quantised(type, 3, 4128), 20, "20 x 4128 x 3 in $type")
            val parts = List(2) { bench.quantised(type, 18, 64) }
            bench.compare(Matrix.stackRows(parts), 20, "row ranges")
            bench.compare(Matrix.stackColumns(parts), 20, "column parts")
            bench.compare(Matrix.interleaveRows(parts[0], parts[1]), 20, "interleaved rows")
        }

        test("few rows meet $type weights with their numbers rounded by no more than 2^-14 of the largest in their block") {
            val bench = Bench(12)
            for (columns in listOf(32, 96, 544, 1056, 4128)) {
                val weight = bench.quantised(type, 35, columns)
                val slab = weight.slabs().single()
                for (rows in listOf(1, 2, 8)) {
                    val x = bench.rows(rows, columns)
                    val exact = bench.rows(rows, 35)
                    bench.linear(bench.scalar, weight, null, x, exact, rows, 0, 35, false)
                    for (kernels in twins) {
                        val got = bench.rows(rows, 35)
                        bench.linear(kernels, weight, null, x, got, rows, 0, 35, false)
                        for (r in 0 until rows) {
                            for (row in 0 until 35) {
                                val allowed = (0 until columns).chunked(BLOCK).sumOf { block ->
                                    val largest = block.maxOf { abs(x.at(r, it)) }
                                    block.sumOf {
                                        abs(weight.stored(slab, row, it)) * (largest * ROUGH + abs(x.at(r, it)) * columns * UNIT)
                                    }
                                }
                                abs(got.at(r, row) - exact.at(r, row)) shouldBeLessThanOrEqual allowed
                            }
                        }
                    }
                }
            }
        }

        test("the definition of products with many rows and $type weights is that with bf16 weights of the nearest numbers") {
            val bench = Bench(9)
            val weight = bench.quantised(type, 11, 96)
            val slab = weight.slabs().single()
            var i = 0
            val nearest = bench.bf16(11, 96) { weight.stored(slab, i / 96, i % 96).also { i++ } }
            val x = bench.rows(9, 96)
            val (want, got, exact) = List(3) { Rows(bench.memory(4L * 9 * 11), 11) }
            bench.linear(definition, nearest, null, x, want, 9, 0, 11, false)
            bench.linear(definition, weight, null, x, got, 9, 0, 11, false)
            got.data().mismatch(want.data()) shouldBe -1
            bench.linear(bench.scalar, weight, null, x, exact, 9, 0, 11, false)
            val zero = bench.rows(9, 11) { 0.0 }
            for (r in 0 until 9) {
                for (c in 0 until 11) {
                    val bound = (2 * HALF_LAST + HALF_LAST * HALF_LAST + UNIT) * magnitudes(weight, zero, x, zero, r, c)
                    abs(got.at(r, c) - exact.at(r, c)) shouldBeLessThanOrEqual bound
                }
            }
            got.data().mismatch(exact.data()) shouldNotBe -1
        }
    }

    test("weights that are neither bf16 nor blocks are multiplied as ever") {
        val bench = Bench(6)
        val data = bench.memory(4L * 9 * 32)
        for (i in 0 until 9 * 32L) Elements.set(DType.F32, data, i, bench.normal())
        val float = Matrix.of(Tensor(DType.F32, Shape.of(9, 32), data))
        val rows = 14
        for (weight in listOf(float, bench.int8Rows(9, 32))) {
            val x = bench.rows(rows, 32)
            for ((exact, rounding) in listOf(bench.scalar to definition) + bench.vectors.zip(twins)) {
                val (want, got) = List(2) { Rows(bench.memory(4L * rows * 9), 9) }
                bench.linear(exact, weight, null, x, want, rows, 0, 9, false)
                bench.linear(rounding, weight, null, x, got, rows, 0, 9, false)
                got.data().mismatch(want.data()) shouldBe -1
            }
        }
    }

    test("kernels say in which numbers they multiply, and change it both ways") {
        for (kernels in listOf(ScalarKernels(DType.F32), VectorKernels())) {
            kernels.arithmetic() shouldBe Arithmetic.FLOAT32
            kernels.with(Arithmetic.BFLOAT16).arithmetic() shouldBe Arithmetic.BFLOAT16
            kernels.with(Arithmetic.BFLOAT16).with(Arithmetic.FLOAT32).describe() shouldBe kernels.describe()
        }
        definition.describe() shouldBe
            "scalar kernels, F32 activations, products of bf16 with bf16 weights, and of many rows with blocks and in attention"
        twins.last().describe() shouldBe
            vectorTwins(Arithmetic.FLOAT32).last().describe() + ", bf16 products by the vector kernels, because tests ask for it"
    }
})
