package kumiko.dsl.mapping

import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena

/**
 * The steps of a rule on matrices, both ways. Forward, the order is merge, transpose, split, rope; backward it is the reverse. All but
 * the copying merges (see [Merging]) are views. A vector is a matrix of one column.
 */
internal object Steps {
    /** From the merged tensor to the parameters. */
    fun forward(route: Route, merged: Matrix): List<Matrix> {
        val turned = if (turns(route)) merged.transpose() else merged
        val parts = when (route.rule.split) {
            null -> listOf(turned)
            Split.THIRDS -> thirds(route.targets, turned)
            Split.PER_HEAD -> perHead(route.targets, turned)
        }
        return if (route.rule.rope == null) parts else parts.zip(route.targets) { m, t -> toAdjacent(m, t.heads!!) }
    }

    /** From the parameters to the merged tensor; [arena] takes the copy where a view cannot be turned. */
    fun backward(route: Route, parameters: List<Matrix>, arena: Arena): Matrix {
        val halves = if (route.rule.rope == null) parameters else parameters.zip(route.targets) { m, t -> toHalves(m, t.heads!!) }
        val joined = when (route.rule.split) {
            null -> halves.single()
            Split.THIRDS -> Matrix.stackRows(halves)
            Split.PER_HEAD -> joinHeads(route.targets, halves)
        }
        if (!turns(route)) return joined
        return (if (joined.isInterleaved) Dense.copy(joined, arena) else joined).transpose()
    }

    private fun turns(route: Route) = route.rule.transpose && route.targets.first().shape.size > 1

    private fun thirds(targets: List<Target>, all: Matrix): List<Matrix> {
        var from = 0
        return targets.map { t -> all.rows(from, t.rows, 1).also { from += t.rows } }
    }

    /** Rows of one key/value head: of all query heads of its group, of the key, of the value. */
    private fun groupRows(targets: List<Target>): List<Int> {
        val groups = targets[1].heads!!.count
        return targets.map { it.rows / groups }
    }

    private fun perHead(targets: List<Target>, all: Matrix): List<Matrix> {
        val sizes = groupRows(targets)
        val starts = sizes.runningFold(0, Int::plus)
        val groups = targets[1].heads!!.count
        return sizes.indices.map { part ->
            Matrix.stackRows((0 until groups).map { g -> all.rows(g * starts.last() + starts[part], sizes[part], 1) })
        }
    }

    private fun joinHeads(targets: List<Target>, parts: List<Matrix>): Matrix {
        val sizes = groupRows(targets)
        val groups = targets[1].heads!!.count
        return Matrix.stackRows((0 until groups).flatMap { g -> parts.mapIndexed { part, m -> m.rows(g * sizes[part], sizes[part], 1) } })
    }

    /** Row h*size + j of the file is component 2j, row h*size + size/2 + j component 2j + 1 of head h. */
    private fun toAdjacent(m: Matrix, heads: Target.Heads): Matrix {
        val half = heads.size / 2
        return Matrix.stackRows(
            (0 until heads.count).map { h ->
                Matrix.interleaveRows(m.rows(h * heads.size, half, 1), m.rows(h * heads.size + half, half, 1))
            },
        )
    }

    private fun toHalves(m: Matrix, heads: Target.Heads): Matrix {
        val half = heads.size / 2
        return Matrix.stackRows(
            (0 until heads.count).flatMap { h -> listOf(m.rows(h * heads.size, half, 2), m.rows(h * heads.size + 1, half, 2)) },
        )
    }
}
