@file:JvmName("Parameters")

package kumiko.dsl.spec

/**
 * A weight of a model.
 *
 * @property name canonical: `blocks.3.attention.query.weight`
 * @property template the name without the layer's number: `blocks.{i}.attention.query.weight`
 * @property layer the number in place of `{i}`; null outside the blocks
 * @property dims rows `[out]`, then columns `[in]`, with their origin; a norm's weight and a bias have one
 * @property heads how rows are grouped in heads, for weights of attention
 */
public data class Parameter(
    public val name: String,
    public val template: String,
    public val layer: Int?,
    public val dims: List<Dim>,
    public val heads: HeadRows?,
) {
    public val shape: List<Int> get() = dims.map { it.size }

    public val count: Long get() = dims.fold(1L) { product, dim -> Math.multiplyExact(product, dim.size.toLong()) }

    override fun toString(): String = "$name  $dims"
}

/** A weight that several layers have alike: [name] is `blocks.{i}.attention.query.weight`, [layers] the numbers for `{i}`. */
public data class ParameterTemplate(
    public val name: String,
    public val layers: List<Int>,
    public val dims: List<Dim>,
    public val heads: HeadRows?,
) {
    /** Of one layer. */
    public val count: Long get() = dims.fold(1L) { product, dim -> Math.multiplyExact(product, dim.size.toLong()) }
}

/** Every weight of the model once, in the order it is computed with. A tied head has none of its own. */
public fun ModelSpec.parameters(): List<Parameter> = parameters(0..<layers)

/** The weights of the embedding, of every different block and of the head. */
internal fun ModelSpec.distinctParameters(): List<Parameter> = parameters(firstLayers().values)

private fun ModelSpec.parameters(numbers: Iterable<Int>): List<Parameter> = embedding.weights("embedding", null, false) +
    prefix?.weights("prefix", null, false).orEmpty() +
    numbers.flatMap { layer -> block(layer).asPath().let { it.weights(join("blocks.$layer", it.label), layer, true) } } +
    head.weights("head", null, false)

/** How many numbers the model's weights are. */
public fun ModelSpec.parameterCount(): Long = parameters().sumOf { it.count }

/** The weights with layers that have them alike put together. */
public fun ModelSpec.templates(): List<ParameterTemplate> = parameters()
    .groupBy { Triple(it.template, it.dims, it.heads) }
    .map { (key, same) -> ParameterTemplate(key.first, same.mapNotNull { it.layer }, key.second, key.third) }

private fun Layer.weights(address: String, layer: Int?, merged: Boolean): List<Parameter> =
    located(address, merged).flatMap { (owner, at) ->
        owner.parameters().map { weight ->
            val name = join(at, weight.name)
            val template = if (layer == null) name else "blocks.{i}" + name.removePrefix("blocks.$layer")
            Parameter(name, template, layer, weight.dims, weight.heads)
        }
    }
