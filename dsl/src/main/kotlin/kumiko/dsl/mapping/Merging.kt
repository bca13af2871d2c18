package kumiko.dsl.mapping

import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena

/** How the parts of all shards become one matrix, and how one matrix is dealt out again. */
internal object Merging {
    /** The original's bound for copies that should agree: the sum of squared differences. labmlai/neox, neox/model.py, load_state. */
    const val NEARLY_EQUAL = 1e-4

    /** @throws MappingException where copies that should agree do not */
    fun merge(route: Route, parts: List<StoredTensor>, tensors: List<Tensor>, arena: Arena): Matrix {
        val matrices = tensors.map(Matrix::of)
        if (matrices.size == 1) return matrices.single()
        return when (route.rule.merge!!) {
            Merge.CONCAT_ROWS -> Matrix.stackRows(matrices)
            Merge.CONCAT_COLUMNS -> Matrix.stackColumns(matrices)
            Merge.SUM -> Dense.copy(Matrix.sum(matrices), arena)
            Merge.DUPLICATE -> matrices.first().also { requireEqual(parts, tensors) }
            Merge.MEAN -> mean(parts, tensors, arena)
        }
    }

    /** The part of every shard. `sum` gives everything to the first shard and the neutral -0.0 to the others. */
    fun deal(route: Route, merged: Matrix, shards: Int, arena: Arena): List<Matrix> {
        if (shards == 1) return listOf(merged)
        return (0 until shards).map { s ->
            when (route.rule.merge!!) {
                Merge.CONCAT_ROWS -> (merged.rows() / shards).let { merged.rows(s * it, it, 1) }
                Merge.CONCAT_COLUMNS -> (merged.columns() / shards).let { merged.columns(s * it, it) }
                Merge.SUM -> if (s == 0) merged else zeros(merged, arena)
                Merge.DUPLICATE, Merge.MEAN -> merged
            }
        }
    }

    /** @throws MappingException if the bytes of two tensors that should repeat each other differ */
    fun requireEqual(parts: List<StoredTensor>, tensors: List<Tensor>) {
        for (s in 1 until tensors.size) {
            val at = tensors[0].data().mismatch(tensors[s].data())
            if (at >= 0) {
                val size = tensors[0].dtype().blockBytes()
                throw MappingException(
                    "${parts[0].key}: the copies in ${parts[0].file} and ${parts[s].file} should be equal, but element ${at / size} is " +
                        "${value(tensors[0], at / size)} in one and ${value(tensors[s], at / size)} in the other. " +
                        "A map that averages nearly equal copies says \"merge\": \"mean\".",
                )
            }
        }
    }

    private fun value(tensor: Tensor, index: Long) = Elements.get(tensor.dtype(), tensor.data(), index)

    private fun mean(parts: List<StoredTensor>, tensors: List<Tensor>, arena: Arena): Matrix {
        val first = tensors.first()
        val elements = first.shape().elements()
        requireNear(parts, tensors, elements)
        val out = arena.allocate(first.data().byteSize(), ALIGNMENT)
        for (i in 0 until elements) {
            Elements.set(first.dtype(), out, i, tensors.sumOf { value(it, i) } / tensors.size)
        }
        return Matrix.of(Tensor(first.dtype(), first.shape(), out))
    }

    private fun requireNear(parts: List<StoredTensor>, tensors: List<Tensor>, elements: Long) {
        for (s in 1 until tensors.size) {
            var distance = 0.0
            for (i in 0 until elements) distance += (value(tensors[0], i) - value(tensors[s], i)).let { it * it }
            if (!(distance < NEARLY_EQUAL)) {
                throw MappingException(
                    "${parts[0].key}: the copies in ${parts[0].file} and ${parts[s].file} should nearly agree, but the sum of their " +
                        "squared differences is $distance, not below $NEARLY_EQUAL. " +
                        "The files do not belong to one checkpoint, or one is damaged.",
                )
            }
        }
    }

    /** x + -0.0 is x for every x, the zeros included. */
    private fun zeros(like: Matrix, arena: Arena): Matrix {
        val elements = like.rows().toLong() * like.columns()
        val out = arena.allocate(like.dtype().bytes(elements), ALIGNMENT)
        for (i in 0 until elements) Elements.set(like.dtype(), out, i, -0.0)
        return Matrix.of(Tensor(like.dtype(), Shape.of(like.rows().toLong(), like.columns().toLong()), out))
    }

    private const val ALIGNMENT = 64L
}
