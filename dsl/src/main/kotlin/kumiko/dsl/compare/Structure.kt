package kumiko.dsl.compare

import kumiko.dsl.spec.Activate
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.GatedMlp
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.LearnedPositions
import kumiko.dsl.spec.Linear
import kumiko.dsl.spec.Mlp
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.Norm
import kumiko.dsl.spec.Path
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.PrefixRows
import kumiko.dsl.spec.Product
import kumiko.dsl.spec.Sum
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.Tokens
import kumiko.dsl.spec.Topology

/** One row of a comparison: what is looked at, and what the model has there. */
public data class Trait(val name: String, val value: String)

/** How the model is built, in words that two models can be laid side by side in. A trait the model does not have is left out. */
public fun ModelSpec.structure(): List<Trait> {
    val inside = blockLayers()
    val attention = inside.filterIsInstance<Attention>()
    return listOfNotNull(
        trait("residual", inside.filterIsInstance<Topology>()) { it.words() },
        trait("norm", inside.filterIsInstance<Norm>()) { it.words() },
        trait("norm place", pathsWithNorm()) { it },
        trait("attention", attention) { it.kind() },
        trait("heads", attention) { it.headWords() },
        trait("positions", positionWords(attention)) { it },
        trait("prefix", prefix?.inside().orEmpty().filterIsInstance<PrefixRows>()) { "${it.length.size} tuned rows" },
        trait("mask", attention) { it.mask.words() },
        trait("feed-forward", inside.filter { it is Mlp || it is GatedMlp }) { it.words() },
        trait("own layers", inside.filter { it.isUnfamiliar() }) { it.words() },
        trait(
            "head",
            head.inside().filter {
                it is Linear || it is TiedToTokens
            },
        ) { if (it is Linear) "own, ${it.words()}" else it.words() },
    )
}

/** The sizes people quote, with the names the spec's own dims have where they are not these. */
public fun ModelSpec.sizes(): Map<String, Int> {
    val all = embedding.inside()
    val tokens = all.filterIsInstance<Tokens>().firstOrNull()
    return listOfNotNull(
        "layers" to layers,
        tokens?.let { "embed" to it.embed.size },
        tokens?.let { "vocab" to it.vocab.size },
        all.filterIsInstance<LearnedPositions>().firstOrNull()?.let { "context" to it.positions.size },
    ).toMap()
}

/** Every layer of every different block, outside before inside. */
private fun ModelSpec.blockLayers(): List<Layer> = blocks.flatMap { it.cycle }.distinct().flatMap { it.inside() }

/** This layer, then every layer in it. */
public fun Layer.inside(): List<Layer> =
    (if (this is Path) emptyList() else listOf(this)) + (if (this is Path) layers else paths).flatMap { it.inside() }

private fun <T> trait(name: String, layers: List<T>, words: (T) -> String): Trait? =
    layers.map(words).distinct().takeIf { it.isNotEmpty() }?.let { Trait(name, it.joinToString(" / ")) }

private fun Attention.kind(): String = when (kvHeads.size) {
    heads.size -> "multi-head"
    1 -> "multi-query"
    else -> "grouped-query"
}

private fun ModelSpec.positionWords(attention: List<Attention>): List<String> = (
    embedding.inside().filterIsInstance<LearnedPositions>().map { "learned, ${it.positions.size}" } +
        attention.map { it.positions }.filter { it != PositionCode.None }.map { it.words() }
    ).ifEmpty { listOf("none") } + listOfNotNull(positions.words())

/** Where the norms of a path stand around its core. */
private fun ModelSpec.pathsWithNorm(): List<String> = blocks.flatMap { it.cycle }.distinct().flatMap { it.allPaths() }.mapNotNull { path ->
    val norms = path.layers.map { it is Norm }
    when {
        norms.all { it } || norms.none { it } -> null
        norms.first() && norms.last() -> "before and after"
        norms.first() -> "before"
        norms.last() -> "after"
        else -> "inside"
    }
}

private fun Layer.allPaths(): List<Path> =
    (if (this is Path) listOf(this) else emptyList()) + (if (this is Path) layers else paths).flatMap { it.allPaths() }

private fun Layer.isUnfamiliar(): Boolean = this !is Topology && this !is Norm && this !is Attention && this !is Mlp && this !is GatedMlp &&
    this !is Sum && this !is Product && this !is Linear && this !is Activate
