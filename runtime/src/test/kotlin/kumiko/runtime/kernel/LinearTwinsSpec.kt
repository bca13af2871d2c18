package kumiko.runtime.kernel

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.RowEncoder
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import kumiko.runtime.tensor.fillBlocks
import java.lang.foreign.ValueLayout

private val AWKWARD = listOf(1, 3, 7, 16, 17, 31, 33, 64, 100, 129, 255)
private val STORED = listOf(DType.F32, DType.F16, DType.BF16, DType.F64)

/** Rows of half a head, no whole group of any kernel. */
private const val HALF = 11

class LinearTwinsSpec :
    FunSpec({
        fun Bench.matrix(type: DType, rows: Int, columns: Int, value: () -> Double = ::normal): Matrix {
            val data = memory(type.bytes(rows.toLong() * columns))
            for (i in 0 until rows.toLong() * columns) Elements.set(type, data, i, value())
            return Matrix.of(Tensor(type, Shape.of(rows.toLong(), columns.toLong()), data))
        }

        for (type in STORED) {
            test("a $type weight multiplies rows of every awkward size as the definition does") {
                val bench = Bench(1)
                for (columns in AWKWARD) {
                    for (rows in listOf(1, 2, 5, 8, 17, 32, 33, 48)) {
                        bench.compareLinear(bench.matrix(type, 71, columns), rows, "$rows x $columns x 71")
                    }
                }
                for (out in AWKWARD) bench.compareLinear(bench.matrix(type, out, 130), 3, "3 x 130 x $out")
            }

            test("a transposed $type weight multiplies as the definition does") {
                val bench = Bench(2)
                for (columns in AWKWARD) {
                    for (rows in listOf(1, 4, 7, 19)) {
                        bench.compareLinear(bench.matrix(type, columns, 150).transpose(), rows, "$rows x $columns x 150")
                    }
                }
                for (rows in 2..9) bench.compareLinear(bench.matrix(type, 38, 1100).transpose(), rows, "$rows x 38 x 1100")
                val small = bench.rows(7, 1057) { bench.normal() / 4 } // so many sums of so many products stray further than few
                bench.compareLinear(bench.matrix(type, 1057, 3111).transpose(), 7, "7 x 1057 x 3111", small)
            }

            test("halves of heads that lie one behind the other in a $type weight multiply as the definition does, taken apart") {
                val bench = Bench(13)
                fun heads(count: Int): List<Matrix> {
                    val whole = bench.matrix(type, 2 * count * HALF, 45)
                    return List(count) {
                        Matrix.interleaveRows(whole.rows(2 * HALF * it, HALF, 1), whole.rows(2 * HALF * it + HALF, HALF, 1))
                    }
                }
                val heads = heads(5)
                bench.compareLinear(Matrix.stackRows(heads(60)), 1, "more heads than results of one row wait for")
                for (rows in listOf(1, 6, 20, 70)) {
                    bench.compareLinear(Matrix.stackRows(heads), rows, "heads")
                    bench.compareLinear(Matrix.stackRows(heads.reversed()), rows, "heads in another order")
                    bench.compareLinear(Matrix.stackRows(heads).rows(3, 90, 1), rows, "some rows of the heads")
                }
            }

            test("a $type weight put together from slabs multiplies as the definition does") {
                val bench = Bench(3)
                for (rows in listOf(1, 6, 20)) {
                    val parts = List(3) { bench.matrix(type, 18, 45) }
                    bench.compareLinear(Matrix.stackRows(parts), rows, "row ranges")
                    bench.compareLinear(Matrix.stackColumns(parts), rows, "column parts")
                    bench.compareLinear(Matrix.sum(parts), rows, "sum")
                    bench.compareLinear(Matrix.interleaveRows(parts[0], parts[1]), rows, "interleaved rows")
                    bench.compareLinear(Matrix.stackRows(parts).rows(5, 24, 2), rows, "every second row")
                    bench.compareLinear(
                        bench.matrix(type, 45, 54).transpose().rows(3, 20, 2),
                        rows,
                        "every second row of a transposed tensor",
                    )
                    bench.compareLinear(Matrix.stackColumns(parts.map { it.transpose() }), rows, "transposed column parts")
                }
            }
        }

        for (type in listOf(DType.Q8_0, DType.Q4_0)) {
            fun Bench.quantised(rows: Int, columns: Int): Matrix {
                val data = memory(RowEncoder.bytes(type, rows, columns))
                fillBlocks(type, rows, columns, data, random) { _, _ -> (normal() / 64).toFloat() }
                return RowEncoder.matrix(type, rows, columns, data)
            }

            test("a $type weight multiplies and embeds as the definition does, whole and in slabs") {
                val bench = Bench(7)
                for (columns in listOf(32, 64, 96, 1056)) {
                    for (rows in listOf(
                        1,
                        3,
                        4,
                        5,
                        9,
                        24,
                        30,
                    )) {
                        bench.compareLinear(bench.quantised(71, columns), rows, "$rows x $columns x 71")
                    }
                }
                val parts = List(2) { bench.quantised(18, 64) }
                for (rows in listOf(1, 5, 20)) {
                    bench.compareLinear(Matrix.stackRows(parts), rows, "row ranges")
                    bench.compareLinear(Matrix.stackColumns(parts), rows, "column parts")
                    bench.compareLinear(Matrix.interleaveRows(parts[0], parts[1]), rows, "interleaved rows")
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
        }

        test("where rows are prepared there is room for them, and room for many is enough for fewer") {
            val bench = Bench(9)
            val weights = listOf(DType.F32, DType.BF16, DType.F16).map { bench.matrix(it, 40, 1100) } + listOf(DType.Q8_0, DType.Q4_0).map {
                RowEncoder.matrix(it, 32, 64, bench.memory(RowEncoder.bytes(it, 32, 64)))
            }
            for (kernels in Arithmetic.entries.flatMap { vectorTwins(it) }) {
                for (weight in weights) {
                    var before = 0L
                    for (rows in 1..100) {
                        val room = kernels.preparedBytes(weight, rows)
                        withClue("${weight.dtype()}, ${kernels.describe()}, $rows rows") {
                            room shouldBeGreaterThanOrEqual before
                            if (kernels.prepares(weight, rows)) room shouldBeGreaterThan 0
                        }
                        before = room
                    }
                }
            }
        }

        test("weights and activations that are subnormal, huge or minus zero stay what they are") {
            val bench = Bench(4)
            val values = listOf(-0.0, 1e-40, -6e-8, 3e4, -65504.0, 1.0, 0.0)
            for (type in STORED) {
                var i = 0
                val weight = bench.matrix(type, 33, 7) { values[i++ % values.size] }
                bench.compareLinear(weight, 2, "$type extremes", bench.rows(2, 7) { values[bench.random.nextInt(values.size)] })
            }
        }

        test("every float16 is read exactly, and infinities and NaN reach the result") {
            val bench = Bench(5)
            for (type in listOf(DType.F16, DType.BF16)) {
                val data = bench.memory(65536 * 2)
                for (i in 0 until 65536) data.set(ValueLayout.JAVA_SHORT_UNALIGNED, 2L * i, i.toShort())
                val weight = Matrix.of(Tensor(type, Shape.of(65536, 1), data))
                val one = bench.rows(1, 1) { 1.0 }
                for (vector in bench.vectors) {
                    val y = bench.rows(1, 65536)
                    bench.linear(vector, weight, null, one, y, 1, 0, 65536, false)
                    for (i in 0 until 65536) distance(Elements.get(type, data, i.toLong()), y.at(0, i)) shouldBe 0.0
                }
            }
        }

        test("an embedding takes rows of every stored type") {
            val bench = Bench(6)
            for (type in STORED) {
                for (table in listOf(bench.matrix(type, 20, 37), bench.matrix(type, 37, 20).transpose())) {
                    val ids = bench.ints(19, 0, 7, 7)
                    val before = bench.rows(4, 37)
                    val want = bench.copyOf(before)
                    bench.scalar.embed(table, ids, want, 1, 4)
                    for (vector in bench.vectors) {
                        val got = bench.copyOf(before)
                        vector.embed(table, ids, got, 1, 4)
                        want.data().mismatch(got.data()) shouldBe -1
                    }
                }
            }
        }
    })
