package kumiko.runtime.tensor

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.byte
import io.kotest.property.arbitrary.byteArray
import io.kotest.property.arbitrary.constant
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout

class WideningSpec : FunSpec({
    for (type in listOf(DType.F32, DType.F16, DType.BF16)) {
        test("every row of $type widens to what its bytes mean, transposed or not") {
            checkAll(Arb.int(1..5), Arb.int(1..9), Arb.byteArray(Arb.constant(5 * 9 * 4), Arb.byte())) { rows, columns, bytes ->
                Arena.ofConfined().use { arena ->
                    val count = rows.toLong() * columns
                    val data = arena.allocateFrom(ValueLayout.JAVA_BYTE, *bytes).asSlice(0, type.bytes(count))
                    val matrix = Matrix.of(Tensor(type, Shape.of(rows.toLong(), columns.toLong()), data))
                    val expected = List(rows * columns) { bits(Elements.get(type, data, it.toLong()).toFloat()) }
                    fun widened(from: Matrix) = arena.allocate(4 * count).also { Widening.copy(from, it) }.toArray(ValueLayout.JAVA_FLOAT)

                    Widening.takes(matrix) shouldBe true
                    widened(matrix).map(::bits) shouldBe expected
                    widened(matrix.transpose()).map(::bits) shouldBe List(rows * columns) { expected[it % rows * columns + it / rows] }
                }
            }
        }
    }

    test("a sum of matrices and types of other widths are left to the kernels") {
        Arena.ofConfined().use { arena ->
            fun matrix(type: DType) = Matrix.of(Tensor(type, Shape.of(2, 3), arena.allocate(type.bytes(6))))
            Widening.takes(Matrix.sum(listOf(matrix(DType.BF16), matrix(DType.BF16)))) shouldBe false
            Widening.takes(matrix(DType.F64)) shouldBe false
        }
    }
})

/** One number for every NaN. */
private fun bits(value: Float) = value.toBits()
