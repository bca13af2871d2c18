package kumiko.runtime.run

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import kumiko.runtime.graph.GraphBuilder
import kumiko.runtime.graph.Positions
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.kernel.tileKernels
import kumiko.runtime.machine.runsBesideTiles
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import kotlin.math.abs
import kotlin.random.Random

private const val VOCAB = 7
private const val WIDTH = 64
private const val MOST = 70

class PreparationsSpec : FunSpec({
    val random = Random(1)

    fun matrix(type: DType, rows: Int, columns: Int): Matrix {
        val data = Arena.ofAuto().allocate(type.bytes(rows.toLong() * columns), 64)
        for (i in 0 until rows.toLong() * columns) Elements.set(type, data, i, random.nextDouble(-1.0, 1.0))
        return Matrix.of(Tensor(type, Shape.of(rows.toLong(), columns.toLong()), data))
    }

    val inRows = matrix(DType.BF16, WIDTH, WIDTH)
    val inColumns = matrix(DType.BF16, WIDTH, WIDTH).transpose()
    val inPieces = Matrix.stackRows(List(2) { matrix(DType.BF16, WIDTH, WIDTH / 2).transpose() })
    val table = matrix(DType.F32, VOCAB, WIDTH)
    val head = matrix(DType.F32, VOCAB, WIDTH)

    fun logits(kernels: Kernels, layers: List<Matrix>, rows: Int): DoubleArray {
        val graph = GraphBuilder("layers that read the same").run {
            val x = embedding("embedding.tokens", parameter("table", VOCAB.toLong(), WIDTH.toLong()), tokens())
            val products = layers.indices.map { linear("layers.$it", x, parameter("$it", WIDTH.toLong(), WIDTH.toLong()), null) }
            val all = products.drop(1).foldIndexed(products.first()) { i, all, product -> multiply("all.$i", all, product) }
            build(linear("head.linear", all, parameter("head", VOCAB.toLong(), WIDTH.toLong()), null), Positions.Sequential())
        }
        val weights = mapOf("table" to table, "head" to head) + layers.withIndex().associate { (i, matrix) -> "$i" to matrix }
        return Program.compile(graph, { weights[it] }, options(kernels).withThreads(1)).use { program ->
            // Room for many rows, whatever some layers do with few.
            program.open(MOST, 1).use { session ->
                session.prefill(Array(MOST) { if (it < rows) intArrayOf(it % VOCAB) else null })
                session.row(rows - 1)
            }
        }
    }

    test("weights of one type in rows, in columns and in pieces can read the same rows, in any order") {
        val orders = listOf(listOf(inRows, inColumns, inPieces), listOf(inColumns, inPieces, inRows), listOf(inPieces, inRows, inColumns))
        for (kernels in listOfNotNull(VectorKernels(), if (runsBesideTiles) tileKernels() else null)) {
            for (arithmetic in Arithmetic.entries) {
                for (rows in listOf(1, 8, 40, MOST)) {
                    for ((i, layers) in orders.withIndex()) {
                        val want = logits(ScalarKernels(DType.F32).with(arithmetic), layers, rows)
                        val got = logits(kernels.with(arithmetic), layers, rows)
                        withClue("${kernels.describe()}, $arithmetic, $rows rows, order $i") {
                            for (c in want.indices) abs(got[c] - want[c]) shouldBeLessThanOrEqual 1e-3 * (1 + abs(want[c]))
                        }
                    }
                }
            }
        }
    }
})
