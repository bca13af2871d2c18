package kumiko.runtime.kernel

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import jdk.incubator.vector.FloatVector
import kumiko.runtime.machine.MachineCode
import kumiko.runtime.machine.runsBesideTiles
import kumiko.runtime.tensor.BlockTile
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.RowEncoder
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import kumiko.runtime.tensor.fillBlocks
import java.lang.foreign.MemorySegment
import kotlin.math.abs
import kotlin.math.pow

private fun Bench.bf16(rows: Int, columns: Int, value: (Long) -> Double = { normal() }): Matrix = weights(DType.BF16, rows, columns, value)

private fun Bench.weights(type: DType, rows: Int, columns: Int, value: (Long) -> Double = { normal() }): Matrix {
    if (BlockTile.holds(type)) {
        val data = arena.allocate(RowEncoder.bytes(type, rows, columns), 64)
        fillBlocks(type, rows, columns, data, random) { _, _ -> (normal() / 64).toFloat() }
        return RowEncoder.matrix(type, rows, columns, data)
    }
    val data = memory(type.bytes(rows.toLong() * columns))
    for (i in 0 until rows.toLong() * columns) Elements.set(type, data, i, value(i))
    return Matrix.of(Tensor(type, Shape.of(rows.toLong(), columns.toLong()), data))
}

class FloatTilesSpec : FunSpec({
    val kernels by lazy { tileKernels() }

    fun Bench.compareTiles(weight: Matrix, rows: Int, clue: String) {
        withClue(clue) { kernels.prepares(weight, rows) shouldBe true }
        compareLinear(weight, rows, clue, vectors = listOf(kernels))
    }

    test(
        "rows of float32 meet bf16 weights in tiles as the definition says, few and many, whole and in parts",
    ).config(enabled = runsBesideTiles) {
        val bench = Bench(1)
        for (rows in listOf(2, 5, 6, 21, 22, 63, 64, 65, 97)) bench.compareTiles(bench.bf16(35, 64), rows, "$rows x 64 x 35")
        for (out in listOf(1, 16, 100)) bench.compareTiles(bench.bf16(out, 32), 4, "4 x 32 x $out")
    }

    test("more columns than stay in a cache at once make no difference to tiles").config(enabled = runsBesideTiles) {
        val bench = Bench(2)
        for (rows in listOf(2, 8, 25)) bench.compareTiles(bench.bf16(3, 8256), rows, "$rows x 8256 x 3")
        bench.compareTiles(bench.bf16(3, 2112), 64, "64 x 2112 x 3")
        bench.compareTiles(bench.bf16(3, 32), 290, "290 x 32 x 3")
    }

    for (type in listOf(DType.F32, DType.F16, DType.Q8_0, DType.Q4_0)) {
        test("weights of $type meet many rows in tiles as the definition says, whole and in parts").config(enabled = runsBesideTiles) {
            val bench = Bench(9)
            bench.compareTiles(bench.weights(type, 35, 64), 128, "128 x 64 x 35")
            if (type in listOf(DType.F16, DType.Q4_0)) bench.compareTiles(bench.weights(type, 35, 64), 65, "65 x 64 x 35")
            bench.compareTiles(bench.weights(type, 64, 544), 130, "130 x 544 x 64")
            bench.compareTiles(bench.weights(type, 3, 32), 290, "290 x 32 x 3")
        }
    }

    for (type in listOf(DType.F32, DType.F16)) {
        test("weights of $type in slabs, in an order of their own and in columns meet tiles as the definition says")
            .config(enabled = runsBesideTiles) {
                val bench = Bench(10)
                val parts = List(2) { bench.weights(type, 18, 64) }
                bench.compareTiles(Matrix.stackRows(parts), 129, "row ranges")
                bench.compareTiles(Matrix.interleaveRows(parts[0], parts[1]), 129, "interleaved rows")
                bench.compareTiles(bench.weights(type, 64, 40).transpose(), 129, "columns")
            }
    }

    test("what is left out of a product of float32 is at most two roundings").config(enabled = runsBesideTiles) {
        val bench = Bench(11)
        // The second and third parts of these are as large as they come.
        val largest = listOf(1 + 2.0.pow(-7) - 2.0.pow(-23), 1 + 2.0.pow(-8) - 2.0.pow(-17) - 2.0.pow(-23))
        fun number() = (largest + List(2) { bench.random.nextDouble(1.0, 2.0) }).random(bench.random).toFloat().toDouble()
        val numbers = List(32) { number() }
        val weight = bench.weights(DType.F32, 32, 32) { if (it / 32 == it % 32) numbers[it.toInt() % 32] else 0.0 }
        val x = bench.rows(128, 32, ::number)
        val y = bench.rows(128, 32)
        bench.linear(kernels, weight, null, x, y, 128, 0, 32, false)
        for (r in 0 until 128) {
            for (c in 0 until 32) {
                val exact = x.at(r, c) * numbers[c]
                withClue("${x.at(r, c)} by ${numbers[c]}") { (abs(y.at(r, c) - exact) <= exact * 2.0.pow(-22)) shouldBe true }
            }
        }
    }

    test("weights in slabs, in an order of their own and in columns meet tiles as the definition says").config(enabled = runsBesideTiles) {
        val bench = Bench(3)
        val parts = List(2) { bench.bf16(18, 64) }
        for (rows in listOf(5, 66)) {
            bench.compareTiles(Matrix.stackRows(parts), rows, "row ranges, $rows rows")
            bench.compareTiles(Matrix.interleaveRows(parts[0], parts[1]), rows, "interleaved rows, $rows rows")
        }
        bench.compareTiles(bench.bf16(64, 40).transpose(), 66, "columns")
    }

    test("products are exact: weights of one give activations back, bit for bit, of every magnitude").config(enabled = runsBesideTiles) {
        val bench = Bench(4)
        val one = bench.bf16(32, 32) { if (it / 32 == it % 32) 1.0 else 0.0 }
        for (rows in listOf(3, 64)) {
            val x = bench.rows(rows, 32) { bench.normal() * 10.0.pow(bench.random.nextInt(-24, 38)) }
            Elements.set(DType.F32, x.data(), x.offset(), Float.MAX_VALUE.toDouble())
            val y = bench.rows(rows, 32)
            bench.linear(kernels, one, null, x, y, rows, 0, 32, false)
            for (r in 0 until rows) for (c in 0 until 32) y.at(r, c) shouldBe x.at(r, c)
        }
    }

    test("infinities and what is no number come out of tiles as out of the definition").config(enabled = runsBesideTiles) {
        val bench = Bench(5)
        val weight = bench.bf16(20, 32)
        for (rows in listOf(4, 64)) {
            val x = bench.rows(rows, 32)
            fun set(row: Int, column: Int, value: Double) =
                Elements.set(DType.F32, x.data(), x.offset() + row.toLong() * x.stride() + column, value)
            set(1, 7, Double.POSITIVE_INFINITY)
            set(2, 3, Double.NaN)
            set(3, 0, Double.NEGATIVE_INFINITY)
            bench.compareLinear(weight, rows, "$rows rows", x, listOf(kernels))
        }
    }

    test("panels of parts are as few as have room for all columns, and alike") {
        PartPanels.depth(2048, 8) shouldBe 2048
        PartPanels.depth(8192, 5) shouldBe 8192
        PartPanels.depth(8192, 8) shouldBe 4096
        PartPanels.depth(8192, 16) shouldBe 2048
        PartPanels.depth(8192, 63) shouldBe 2048
        PartPanels.depth(8224, 16) shouldBe 2080
    }

    test("what is no number comes out of weights in parts wherever an infinity or no number goes in").config(enabled = runsBesideTiles) {
        val bench = Bench(12)
        for (type in listOf(DType.F32, DType.F16, DType.Q8_0)) {
            val x = bench.rows(128, 32)
            Elements.set(DType.F32, x.data(), x.offset() + 7, Double.POSITIVE_INFINITY)
            Elements.set(DType.F32, x.data(), x.offset() + x.stride(), Double.NaN)
            val y = bench.rows(128, 20)
            bench.linear(kernels, bench.weights(type, 20, 32), null, x, y, 128, 0, 20, false)
            for (r in 0 until 128) for (c in 0 until 20) y.at(r, c).isFinite() shouldBe (r > 1)
        }
    }

    test("few rows, without what was prepared, are multiplied by vectors").config(enabled = runsBesideTiles) {
        val bench = Bench(6)
        val weight = bench.bf16(20, 32)
        val x = bench.rows(4, 32)
        val (want, got) = List(2) { bench.rows(4, 20) { 0.0 } }
        bench.linear(bench.scalar, weight, null, x, want, 4, 0, 20, false)
        val scratch: MemorySegment = bench.scratch(kernels.linearScratchBytes(weight, 4))
        kernels.linear(weight, null, x, got, 4, 0, 20, false, null, scratch)
        compareAll(want, got, Tolerance.sum(32), "unprepared")
    }

    test("kernels say what they multiply in parts, and how many products of bf16 each product is").config(enabled = runsBesideTiles) {
        val bench = Bench(8)
        val weight = bench.bf16(20, 32)
        val lanes = FloatVector.SPECIES_PREFERRED.length()
        kernels.describe() shouldBe "vector kernels, $lanes lanes, F32 activations, products by avx512 " +
            "and, of rows in parts of bf16, amx_bf16"
        listOf(1, 2, 21, 63, 64).map { kernels.bf16Products(weight, it) } shouldBe listOf(0, 3, 3, 3, 3)
        kernels.bf16Products(bench.bf16(20, 33), 64) shouldBe 0
        val types = listOf(DType.F32, DType.F16, DType.Q8_0, DType.Q4_0)
        types.map { kernels.bf16Products(bench.weights(it, 32, 32), 128) } shouldBe listOf(6, 5, 6, 5)
        types.map { kernels.bf16Products(bench.weights(it, 32, 32), 127) } shouldBe listOf(0, 5, 0, 5)
        types.map { kernels.bf16Products(bench.weights(it, 32, 32), 63) } shouldBe listOf(0, 0, 0, 0)
        kernels.bf16Products(bench.bf16(32, 20).transpose(), 63) shouldBe 0
        kernels.with(Arithmetic.BFLOAT16).bf16Products(weight, 64) shouldBe 1
        VectorKernels(MachineCode.none("tests ask for it"), Arithmetic.FLOAT32).bf16Products(weight, 64) shouldBe 0
    }

    test(
        "few rounded rows are packed once for all who multiply them, or by each, with the same results",
    ).config(enabled = runsBesideTiles) {
        val rounding = kernels.with(Arithmetic.BFLOAT16)
        val definition = ScalarKernels(DType.F32).with(Arithmetic.BFLOAT16)
        val bench = Bench(13)
        for ((rows, columns) in listOf(2 to 33, 16 to 8256, 17 to 2080, 40 to 2080, 63 to 64)) {
            val weight = bench.bf16(20, columns)
            rounding.prepares(weight, rows) shouldBe true
            val x = bench.rows(rows, columns)
            val (want, once, each) = List(3) { bench.rows(rows, 20) { 0.0 } }
            bench.linear(definition, weight, null, x, want, rows, 0, 20, false)
            bench.linear(rounding, weight, null, x, once, rows, 0, 20, false)
            compareAll(want, once, Tolerance.sum(columns) * 8, "$rows rows")
            rounding.linear(weight, null, x, each, rows, 0, 20, false, null, bench.scratch(rounding.linearScratchBytes(weight, rows)))
            each.data().mismatch(once.data()) shouldBe -1
        }
    }

    test("with rounded activations tiles take rows that fill no group").config(enabled = runsBesideTiles) {
        val rounding = kernels.with(Arithmetic.BFLOAT16)
        val definition = ScalarKernels(DType.F32).with(Arithmetic.BFLOAT16)
        val bench = Bench(7)
        val weight = bench.bf16(35, 64)
        for (rows in listOf(64, 65, 95)) {
            val x = bench.rows(rows, 64)
            val (want, got) = List(2) { bench.rows(rows, 35) { 0.0 } }
            bench.linear(definition, weight, null, x, want, rows, 0, 35, false)
            bench.linear(rounding, weight, null, x, got, rows, 0, 35, false)
            compareAll(want, got, Tolerance.sum(64) * 8, "$rows rows")
        }
    }
})
