package kumiko.cli.parity

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.parameters
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena

/** The elements of a parameter in another order: what a conversion gets wrong without a shape that tells. */
internal class Reordering(
    val cause: Cause,
    val words: String,
    /** Null where it does not suit this matrix. */
    private val order: (String, Matrix, Arena) -> Matrix?,
) {
    /** A copy, because kernels are not made for matrices of a thousand pieces. */
    fun apply(name: String, matrix: Matrix?, arena: Arena): Matrix? = matrix?.let { order(name, it, arena) }?.let { Dense.copy(it, arena) }

    /** How the rows of [count] heads of [size] rows are taken from a matrix; in [groups] for grouped queries. */
    private enum class Rows(val words: String) {
        COMPONENTS_FIRST("rows of all heads taken component by component") {
            override fun take(m: Matrix, count: Int, size: Int, groups: Int) = interleaved(m, size, count)
        },
        HEADS_APART("rows of a head taken one from each component's run") {
            override fun take(m: Matrix, count: Int, size: Int, groups: Int) = interleaved(m, count, size)
        },
        GROUPS_TURNED("heads taken one from each group in turn") {
            override fun take(m: Matrix, count: Int, size: Int, groups: Int) = heads(m, groups, count / groups, size)
        },
        GROUPS_GATHERED("heads of a group taken from all over") {
            override fun take(m: Matrix, count: Int, size: Int, groups: Int) = heads(m, count / groups, groups, size)
        },
        ;

        abstract fun take(m: Matrix, count: Int, size: Int, groups: Int): Matrix

        /** [runs] runs of [length] rows, read across the runs. */
        protected fun interleaved(m: Matrix, runs: Int, length: Int): Matrix =
            Matrix.stackRows((0..<length).map { m.rows(it, runs, length) })

        /** [outer] times [inner] heads read with the two exchanged. */
        protected fun heads(m: Matrix, outer: Int, inner: Int, size: Int): Matrix = Matrix.stackRows(
            (0..<inner).flatMap { i -> (0..<outer).map { o -> m.rows((o * inner + i) * size, size, 1) } },
        )
    }

    companion object {
        private val SHARDS = listOf(2, 4, 8)

        /** For each projection with heads among [parameters], and for all of them together. */
        fun heads(spec: ModelSpec, parameters: List<String>): List<Pair<Reordering, Set<String>>> {
            val known = spec.parameters().filter { it.heads != null && it.name in parameters }.associateBy { it.name }
            val groups = spec.parameters().mapNotNull { it.heads?.heads?.size }.minOrNull() ?: return emptyList()
            val roles = known.keys.groupBy { Inside.role(it).substringBeforeLast('.') }
            val sets = roles.map { (role, names) -> role to names.toSet() } +
                if (roles.size > 1) listOf(roles.keys.joinToString() to known.keys) else emptyList()
            return sets.flatMap { (role, names) ->
                Rows.entries.map { rows ->
                    Reordering(Cause.HEAD_ORDER, "${rows.words} in $role") { name, matrix, _ ->
                        val heads = known.getValue(name).heads!!
                        if (heads.heads.size % groups == 0) rows.take(matrix, heads.heads.size, heads.headDim.size, groups) else null
                    } to names
                }
            }
        }

        /** The parts of tensor-parallel shards joined along the other axis and read as if it were the right one. */
        fun shards(role: String): List<Reordering> = SHARDS.flatMap { count ->
            listOf(
                Reordering(Cause.SHARDS, "$role joined from $count shards by columns in place of rows") { _, m, arena ->
                    byColumns(m, count, arena)
                },
                Reordering(Cause.SHARDS, "$role joined from $count shards by rows in place of columns") { _, m, arena ->
                    byRows(m, count, arena)
                },
            )
        }

        /** Stacked parts `[rows, columns / count]` whose memory was read as `[rows, columns]`. */
        private fun byColumns(m: Matrix, count: Int, arena: Arena): Matrix? {
            if (m.columns() % count != 0) return null
            val stacked = reshaped(m, m.rows() * count, m.columns() / count, arena)
            return Matrix.stackColumns((0..<count).map { stacked.rows(it * m.rows(), m.rows(), 1) })
        }

        /** Parts `[rows / count, columns]` side by side whose memory was read as `[rows, columns]`. */
        private fun byRows(m: Matrix, count: Int, arena: Arena): Matrix? {
            if (m.rows() % count != 0) return null
            val beside = reshaped(m, m.rows() / count, m.columns() * count, arena)
            return Matrix.stackRows((0..<count).map { beside.columns(it * m.columns(), m.columns()) })
        }

        private fun reshaped(m: Matrix, rows: Int, columns: Int, arena: Arena): Matrix {
            val data = Dense.copy(m, arena).slabs().single().data()
            return Matrix.of(Tensor(m.dtype(), Shape.of(rows.toLong(), columns.toLong()), data))
        }
    }
}
