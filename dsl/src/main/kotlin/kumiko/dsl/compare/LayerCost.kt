package kumiko.dsl.compare

import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.Located
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.asPath
import kumiko.dsl.spec.join
import kumiko.dsl.spec.located
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Type

/**
 * A layer where it stands, and the nodes it computes, without those of the layers inside it.
 *
 * @property address canonical: `blocks.3.attention`
 * @property root `embedding`, `blocks.3` or `head`
 */
public class LayerCost internal constructor(
    public val address: String,
    public val root: String,
    public val layer: Layer,
    public val nodes: List<NodeCost>,
) {
    public val parameters: Long get() = nodes.sumOf { it.parameters }

    /** The shape of its last value; null where it computes nothing of its own. */
    public val output: Type? get() = nodes.lastOrNull()?.node?.type()

    /** Its weights as `query.weight` and their shapes. */
    public val weights: List<Pair<String, Type>> get() = nodes.flatMap {
        it.weights
    }.map { it.name().removePrefix("$address.") to it.type() }

    public fun flops(seq: Long, past: Long): Long = nodes.sumOf { it.flops(seq, past) }

    override fun toString(): String = "$address  $layer"
}

/** Every layer of a model in order, outside before inside, with its nodes. */
public fun Account.layers(): List<LayerCost> {
    val places = spec.places()
    val addresses = places.associateBy({ it.second.address }, { it.second })
    val last = places.groupBy({
        it.first
    }, { it.second }).mapValues { (root, inside) -> inside.last { !it.address.removePrefix("$root.").contains('.') } }
    val owned = nodes.groupBy { owner(it.node, addresses, last) }
    return places.map { (root, place) -> LayerCost(place.address, root, place.layer, owned[place].orEmpty()) }
}

private fun ModelSpec.places(): List<Pair<String, Located>> = embedding.located("embedding", merged = false).map { "embedding" to it } +
    (0..<layers).flatMap { layer ->
        val block = block(layer).asPath()
        block.located(join("blocks.$layer", block.label), merged = true).map { "blocks.$layer" to it }
    } + head.located("head", merged = false).map { "head" to it }

/** The layer with the longest address that a node's name stands in; the results of embedding and head belong to their last layer. */
private fun owner(node: Node, addresses: Map<String, Located>, last: Map<String, Located>): Located? {
    var address = node.name()
    while (address !in addresses && '.' in address) address = address.substringBeforeLast('.')
    return addresses[address] ?: last[if (node.name() == "logits") "head" else address]
}
