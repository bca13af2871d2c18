package kumiko.runtime.tensor

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.element
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout

/** Views are compared with the same operation on a plain table of numbers. */
class MatrixViewsSpec : FunSpec({
    val arena = Arena.ofAuto()

    fun matrix(table: List<List<Int>>): Matrix {
        val columns = table.firstOrNull()?.size ?: 0
        val data = arena.allocate(ValueLayout.JAVA_FLOAT, (table.size * columns).toLong())
        table.flatten().forEachIndexed { i, value -> data.setAtIndex(ValueLayout.JAVA_FLOAT, i.toLong(), value.toFloat()) }
        return Matrix.of(Tensor(DType.F32, Shape.of(table.size.toLong(), columns.toLong()), data))
    }

    fun numbers(rows: Int, columns: Int, from: Int = 0) = List(rows) { r -> List(columns) { c -> from + r * columns + c } }

    fun table(m: Matrix): List<List<Int>> {
        val data = arena.allocate(4L * m.rows() * m.columns(), 4)
        Dense.copyRows(m, 0, m.rows(), data)
        return List(m.rows()) { r ->
            List(m.columns()) { c -> data.getAtIndex(ValueLayout.JAVA_FLOAT, (r * m.columns() + c).toLong()).toInt() }
        }
    }

    val small = Arb.int(1..9)

    test("every step-th row of stacked, interleaved and transposed views is the row of the table") {
        checkAll(small, small, small, Arb.int(0..8), Arb.int(1..5), Arb.element(0, 1, 2, 3)) { rows, columns, more, from, step, kind ->
            val a = numbers(rows, columns)
            val b = numbers(if (kind == 0) more else rows, columns, 1000)
            val (view, plain) = when (kind) {
                0 -> Matrix.stackRows(listOf(matrix(a), matrix(b))) to a + b

                1 -> Matrix.interleaveRows(matrix(a), matrix(b)) to a.zip(b) { x, y -> listOf(x, y) }.flatten()

                2 -> matrix(a).transpose() to List(columns) { c -> List(rows) { r -> a[r][c] } }

                else -> Matrix.stackRows(listOf(Matrix.interleaveRows(matrix(a), matrix(b)), matrix(a))).let {
                    it to
                        a.zip(b) { x, y -> listOf(x, y) }.flatten() + a
                }
            }
            val count = if (from >= plain.size) 0 else (plain.size - 1 - from) / step + 1
            table(view) shouldBe plain
            if (count > 0) table(view.rows(from, count, step)) shouldBe List(count) { plain[from + it * step] }
        }
    }

    test("rows of rows are rows of the table") {
        checkAll(small, Arb.int(1..4), Arb.int(1..4), Arb.int(1..4)) { columns, step1, step2, from ->
            val plain = numbers(48, columns).chunked(2).flatMap { (x, y) -> listOf(x, y) }
            val view = Matrix.interleaveRows(
                matrix(plain.filterIndexed { i, _ -> i % 2 == 0 }),
                matrix(
                    plain.filterIndexed { i, _ ->
                        i % 2 ==
                            1
                    },
                ),
            )
            val first = plain.drop(from).chunked(step1).map { it.first() }
            val second = first.drop(1).chunked(step2).map { it.first() }
            table(view.rows(from, first.size, step1).rows(1, second.size, step2)) shouldBe second
        }
    }

    test("columns of stacked columns and of transposes are columns of the table") {
        checkAll(small, small, small, Arb.int(0..8), Arb.int(0..9)) { rows, left, right, from, count ->
            val a = numbers(rows, left)
            val b = numbers(rows, right, 1000)
            val plain = a.zip(b) { x, y -> x + y }
            val view = Matrix.stackColumns(listOf(matrix(a), matrix(b)))
            if (from + count <= left + right) table(view.columns(from, count)) shouldBe plain.map { it.subList(from, from + count) }
            table(view.transpose()) shouldBe List(left + right) { c -> plain.map { it[c] } }
        }
    }

    test("overlapping slabs are added up, and columns of the sum are sums") {
        val view = Matrix.sum(listOf(matrix(numbers(3, 4)), matrix(numbers(3, 4, 100)), matrix(numbers(3, 4, 1000))))
        view.isSummed shouldBe true
        table(view) shouldBe numbers(3, 4).map { row -> row.map { 3 * it + 1100 } }
        table(view.columns(1, 2).rows(1, 2, 1)) shouldBe
            numbers(3, 4).map { row -> row.map { 3 * it + 1100 } }.drop(1).map { it.subList(1, 3) }
    }

    test("a copy keeps every bit, negative zeros and the payload of a NaN included") {
        val bits = listOf(0x80000000.toInt(), 0x7fc12345, 0x7f800001, -0x1)
        val data = arena.allocate(16, 4)
        bits.forEachIndexed { i, value -> data.setAtIndex(ValueLayout.JAVA_INT, i.toLong(), value) }
        val view = Matrix.of(Tensor(DType.F32, Shape.of(2, 2), data)).transpose()
        val out = arena.allocate(16, 4)
        Dense.copyRows(view, 0, 2, out)
        List(4) { out.getAtIndex(ValueLayout.JAVA_INT, it.toLong()) } shouldBe listOf(bits[0], bits[2], bits[1], bits[3])
    }
})
