package kumiko.dsl.mapping

import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Quantisation
import kumiko.runtime.run.QuantisedWeights
import kumiko.runtime.run.Quantiser
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena

/** How far a load has come. [layer] is null outside the blocks. */
data class LoadProgress(val layer: Int?, val bytes: Long, val totalBytes: Long)

/**
 * The parameters of a model by canonical name, as views of its checkpoint. Closing ends the life of what had to be copied.
 *
 * @property parameters as they are stored, quantised or not
 * @property quantised what a program reads instead of [parameters], and what became of each; null where nothing was quantised
 */
class LoadedWeights internal constructor(
    val parameters: Map<String, Matrix>,
    private val arena: Arena,
    val quantised: QuantisedWeights? = null,
) : Weights,
    AutoCloseable {
    override operator fun get(name: String): Matrix? = if (quantised == null) parameters[name] else quantised[name]

    override fun quantisation(): Quantisation = quantised?.quantisation() ?: Quantisation.None()

    /** The same memory with a quantised copy of the weights that the blocks of [graph] multiply by. Closing either closes both. */
    internal fun quantised(graph: Graph, by: Quantisation, threads: Int, progress: (LoadProgress) -> Unit): LoadedWeights {
        val total = Quantiser.candidates(graph).sumOf { parameters[it.name()]?.bytes() ?: 0 }
        val copy = Quantiser.quantise(graph, { parameters[it] }, by, arena, threads) { name, bytes ->
            progress(LoadProgress(LayerRanges.layer(name), bytes, total))
        }
        return LoadedWeights(parameters, arena, copy)
    }

    override fun close() = arena.close()
}

/** From a key account that fits to matrices. Only copies that must be compared or averaged are read; everything else is a view. */
object WeightLoader {
    /** @throws MappingException if the account has problems, or if copies that should agree do not */
    fun load(account: KeyAccount, source: CheckpointSource, progress: (LoadProgress) -> Unit = {}): LoadedWeights {
        account.requireFit()
        val arena = Arena.ofShared()
        try {
            val parameters = LinkedHashMap<String, Matrix>()
            val total = account.matched.sumOf(::bytes)
            var done = 0L
            for (key in account.matched.sortedBy { it.tied }) {
                if (key.tied) requireTied(key, source, arena, parameters) else load(key, source, arena, parameters)
                done += bytes(key)
                progress(LoadProgress(key.route.layer, done, total))
            }
            return LoadedWeights(parameters, arena)
        } catch (e: Throwable) {
            arena.close()
            throw e
        }
    }

    private fun bytes(key: MatchedKey) = key.parts.sumOf { it.dtype.bytes(it.shape.elements()) }

    private fun load(key: MatchedKey, source: CheckpointSource, arena: Arena, into: MutableMap<String, Matrix>) {
        val merged = Merging.merge(key.route, key.parts, key.parts.map(source::tensor), arena)
        key.route.targets.zip(Steps.forward(key.route, merged)) { target, matrix -> into[target.name] = matrix }
    }

    private fun requireTied(key: MatchedKey, source: CheckpointSource, arena: Arena, parameters: Map<String, Matrix>) {
        val own = load(key, source, arena)
        val target = key.route.targets.single()
        val row = SameBytes.firstDifference(own, parameters.getValue(target.name)) ?: return
        throw MappingException(
            "${key.route.key} in ${key.parts.first().file} should repeat ${target.name}, but row $row differs. " +
                "This checkpoint has a head of its own: load it with a spec whose head is not tied.",
        )
    }

    /** What the bytes of every key with a `tie` say. */
    fun ties(account: KeyAccount, source: CheckpointSource): List<Tie> = Arena.ofShared().use { arena ->
        account.matched.filter { it.route.rule.tie != null }.map { key ->
            val name = key.route.rule.tie!!.text
            val filling = account.matched.first { !it.tied && it.route.targets.any { t -> t.name == name } }
            val parameters = HashMap<String, Matrix>().also { load(filling, source, arena, it) }
            Tie(key.route.key, name, SameBytes.firstDifference(load(key, source, arena), parameters.getValue(name)))
        }
    }

    private fun load(key: MatchedKey, source: CheckpointSource, arena: Arena): Matrix =
        Steps.forward(key.route, Merging.merge(key.route, key.parts, key.parts.map(source::tensor), arena)).single()
}

/** Whether two views hold the same bytes. */
internal object SameBytes {
    private const val CHUNK = 1L shl 22

    /** The first row that differs, or null. */
    fun firstDifference(a: Matrix, b: Matrix): Int? {
        if (a.dtype() != b.dtype() || a.rows() != b.rows() || a.columns() != b.columns()) return 0
        val rows = (CHUNK / maxOf(1, Dense.bytes(a, 1))).toInt().coerceIn(1, maxOf(1, a.rows()))
        Arena.ofConfined().use { arena ->
            val (left, right) = List(2) { arena.allocate(Dense.bytes(a, rows), 64) }
            for (from in 0 until a.rows() step rows) {
                val count = minOf(rows, a.rows() - from)
                Dense.copyRows(a, from, count, left)
                Dense.copyRows(b, from, count, right)
                val at = left.asSlice(0, Dense.bytes(a, count)).mismatch(right.asSlice(0, Dense.bytes(a, count)))
                if (at >= 0) return from + (at / Dense.bytes(a, 1)).toInt()
            }
        }
        return null
    }
}
