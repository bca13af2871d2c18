package kumiko.runtime.kernel

import io.kotest.assertions.withClue
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.machine.MachineCode
import kumiko.runtime.machine.interpretedTiles
import kumiko.runtime.machine.runsBesideTiles
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Rows
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import kotlin.math.abs
import kotlin.math.max
import kotlin.math.sqrt
import kotlin.random.Random

/** How far the vector kernels may be from the scalar ones, which round once. */
object Tolerance {
    /** Of a function's value, relative to it or to one: a few units in the last place of float32. */
    const val FUNCTION = 5e-7

    /** Of a sum, relative to the sum of the magnitudes of its terms: grows with the square root of its length. */
    fun sum(length: Int): Double = 1.5e-7 * (2 + sqrt(length.toDouble()))
}

/**
 * The vector kernels with the machine code of this process, with tiles even where it has none, without products of bf16, and without any; the
 * last and those of a processor without machine code only where there is the Vector API. Where nothing is left the definition meets itself.
 */
fun vectorTwins(arithmetic: Arithmetic): List<Kernels> = listOfNotNull(
    MachineCode.ofProcess().takeIf { VectorApi.IS_THERE || it.floats().orNull() != null },
    if (runsBesideTiles && VectorApi.IS_THERE) interpretedTiles() else null,
    if (runsBesideTiles) MachineCode(MachineCode.ofProcess().floats(), MachineCode.Absent("tests ask for it")) else null,
    MachineCode.none("tests ask for it").takeIf { VectorApi.IS_THERE },
).map<MachineCode, Kernels> { VectorKernels(it, arithmetic) }.ifEmpty { listOf(ScalarKernels(DType.F32).with(arithmetic)) }

/** The vector kernels of a processor with tiles, which one thread interprets slowly: only where the rest [runsBesideTiles]. */
fun tileKernels(): Kernels = VectorKernels(interpretedTiles(), Arithmetic.FLOAT32)

/** Memory, random numbers and the comparison for tests of kernels. */
class Bench(
    seed: Int,
) {
    val arena: Arena = Arena.ofAuto()
    val random = Random(seed)
    val scalar: Kernels = ScalarKernels(DType.F32)
    val vectors: List<Kernels> = vectorTwins(Arithmetic.FLOAT32)
    val vector: Kernels = vectors.first()

    /** Unaligned on purpose: nothing promises alignment. */
    fun memory(bytes: Long): MemorySegment = arena.allocate(bytes + 6).asSlice(6, bytes)

    fun normal(): Double = (1..6).sumOf { random.nextDouble(-1.0, 1.0) } / sqrt(2.0)

    /** Rows with a gap between them and before the first, so that a write outside of them shows. */
    fun rows(count: Int, width: Int, value: () -> Double = ::normal): Rows {
        val stride = width + 3
        val data = memory(4L * (5 + count * stride))
        for (i in 0 until 5 + count * stride) Elements.set(DType.F32, data, i.toLong(), value())
        return Rows(data, 5, width, stride)
    }

    fun copyOf(rows: Rows): Rows = Rows(memory(rows.data().byteSize()).copyFrom(rows.data()), rows.offset(), rows.width(), rows.stride())

    fun ints(vararg values: Int): MemorySegment {
        val data = memory(4L * values.size)
        values.forEachIndexed { i, v -> data.set(java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED, 4L * i, v) }
        return data
    }

    fun scratch(bytes: Long): MemorySegment = memory(max(bytes, 1))
}

/** What a program does for a linear layer: the rows are prepared, in two parts, and multiplied. */
fun Bench.linear(kernels: Kernels, weight: Matrix, bias: Rows?, x: Rows, y: Rows, rows: Int, from: Int, to: Int, accumulate: Boolean) {
    val prepared = if (kernels.prepares(weight, rows)) memory(kernels.preparedBytes(weight, rows)) else null
    if (prepared != null) {
        kernels.prepare(weight, x, rows, prepared, 0, minOf(rows, 16))
        if (rows > 16) kernels.prepare(weight, x, rows, prepared, 16, rows)
    }
    kernels.linear(weight, bias, x, y, rows, from, to, accumulate, prepared, scratch(kernels.linearScratchBytes(weight, rows)))
}

fun Rows.at(row: Int, column: Int): Double = Elements.get(DType.F32, data(), offset() + row.toLong() * stride() + column)

/** All floats of the memory behind, gaps included: whatever was not to be written must have stayed. */
fun compareAll(expected: Rows, actual: Rows, tolerance: Double, clue: String) {
    for (i in 0 until expected.data().byteSize() / 4) {
        val want = Elements.get(DType.F32, expected.data(), i)
        val got = Elements.get(DType.F32, actual.data(), i)
        withClue({ "$clue, element $i: scalar $want, vector $got" }) { distance(want, got) shouldBeLessThanOrEqual tolerance }
    }
}

/** Relative to the value where it is above one; equal infinities and two NaN are no distance apart. */
fun distance(want: Double, got: Double): Double = when {
    want.isNaN() || got.isNaN() -> if (want.isNaN() && got.isNaN()) 0.0 else Double.POSITIVE_INFINITY
    want == got -> 0.0
    else -> abs(want - got) / max(1.0, abs(want))
}

/** The whole product and two uneven halves of it, with and without what y held before. */
fun Bench.compareLinear(
    weight: Matrix,
    rows: Int,
    clue: String,
    x: Rows = rows(rows, weight.columns()),
    vectors: List<Kernels> = this.vectors,
) {
    val bias = rows(1, weight.rows())
    val before = rows(rows, weight.rows())
    val tolerance = Tolerance.sum(weight.columns()) * 8
    for ((accumulate, b) in listOf(false to bias, true to null, true to bias, false to null)) {
        val want = copyOf(before)
        val cut = weight.rows() / 3
        linear(scalar, weight, b, x, want, rows, 0, weight.rows(), accumulate)
        for (vector in vectors) {
            val (whole, parts) = List(2) { copyOf(before) }
            linear(vector, weight, b, x, whole, rows, 0, weight.rows(), accumulate)
            linear(vector, weight, b, x, parts, rows, 0, cut, accumulate)
            linear(vector, weight, b, x, parts, rows, cut, weight.rows(), accumulate)
            compareAll(want, whole, tolerance, "$clue, accumulate $accumulate, ${vector.describe()}")
            parts.data().mismatch(whole.data()) shouldBe -1
        }
    }
}
