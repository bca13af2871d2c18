@file:JvmName("Rewriting")

package kumiko.dsl.spec

/**
 * This model with every layer of type [T] replaced: `spec.replace<Norm> { rmsNorm(it.dim, eps = 1e-6) }`. A model that has none is
 * refused, and so is a result that does not fit, with every place that does not.
 */
public inline fun <reified T : Layer> ModelSpec.replace(noinline change: (T) -> Layer): ModelSpec =
    rewritten(T::class.simpleName.orEmpty()) { if (it is T) change(it) else null }

/** Every model with every layer of type [T] replaced; the problems of all of them are told together. */
public inline fun <reified T : Layer> List<ModelSpec>.replace(noinline change: (T) -> Layer): List<ModelSpec> {
    val results = map { spec -> runCatching { spec.replace<T>(change) } }
    val failures = results.mapNotNull { it.exceptionOrNull() }
    failures.firstOrNull { it !is SpecException }?.let { throw it }
    if (failures.isNotEmpty()) {
        throw SpecException(failures.joinToString("\n") { it.message.orEmpty() }, failures.flatMap { (it as SpecException).problems })
    }
    return results.map { it.getOrThrow() }
}

/** This model with every block changed; blocks that were alike stay alike. */
public fun ModelSpec.withBlocks(change: (Layer) -> Layer): ModelSpec =
    copy(blocks = blocks.map { row -> row.copy(cycle = row.cycle.map(change)) })

/** Replaces every layer for which [change] gives another; [kind] is what a refusal calls them. */
@PublishedApi
internal fun ModelSpec.rewritten(kind: String, change: (Layer) -> Layer?): ModelSpec {
    var sites = 0
    val counting = { layer: Layer -> change(layer)?.also { sites++ } }
    val rewritten = Rewritten(
        embedding.rewritten(counting),
        blocks.map { row -> row.copy(cycle = row.cycle.map { it.rewritten(counting) }) },
        head.rewritten(counting),
        prefix?.rewritten(counting),
    )
    if (sites == 0) throw SpecException("$name: nothing to replace, the model has no $kind")
    return copy(embedding = rewritten.embedding, blocks = rewritten.blocks, head = rewritten.head, prefix = rewritten.prefix)
}

private class Rewritten(val embedding: Layer, val blocks: List<Blocks>, val head: Layer, val prefix: Layer?)

/** What is inside is changed first, so that [change] sees the new parts. */
private fun Layer.rewritten(change: (Layer) -> Layer?): Layer {
    if (this is Path) {
        return rewrittenPath(change).let { path ->
            path.layers.singleOrNull()?.takeIf { path.name == null && layers.size == 1 }
                ?: path
        }
    }
    val inside = if (paths.isEmpty()) this else withPaths(paths.map { it.rewrittenPath(change) })
    return change(inside) ?: inside
}

private fun Path.rewrittenPath(change: (Layer) -> Layer?): Path = copy(layers = layers.flatMap { it.rewritten(change).links() })
