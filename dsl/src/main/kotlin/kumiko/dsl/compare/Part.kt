package kumiko.dsl.compare

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.asPath
import kumiko.dsl.spec.join
import kumiko.dsl.spec.located
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op

/** What a node of a model is for. An account is the sum over its parts. */
public enum class Part(public val title: String) {
    EMBEDDING("embedding"),
    ATTENTION("attention"),
    FFN("ffn"),
    NORMS("norms"),

    /** Additions to the residual stream, which hold no weight. */
    RESIDUAL("residual"),
    HEAD("head"),
    ;

    override fun toString(): String = title
}

/**
 * Tells the part of every node of [graph], the compiled [spec]. Norms are norms wherever they stand; in a block, whatever belongs to a
 * layer that keeps keys and values is attention, additions are the residual stream, all else is feed-forward.
 */
internal class Parts(spec: ModelSpec, graph: Graph) {
    private val layers: Set<String> = (0..<spec.layers).flatMapTo(HashSet()) { layer ->
        val block = spec.block(layer).asPath()
        block.located(join("blocks.$layer", block.label), merged = true).map { it.address }
    }

    private val attending: Set<String> = graph.nodes().filter { it.op() is Op.Append }.mapTo(HashSet()) { owner(it.name()) }

    fun of(node: Node): Part = when {
        node.op() is Op.LayerNorm || node.op() is Op.RmsNorm -> Part.NORMS
        node.name() == "embedding" || node.name().startsWith("embedding.") -> Part.EMBEDDING
        node.name() == "logits" || node.name().startsWith("head.") -> Part.HEAD
        node.op() is Op.Add -> Part.RESIDUAL
        node.type().isFixed || node.op() is Op.Angles || owner(node.name()) in attending -> Part.ATTENTION
        else -> Part.FFN
    }

    /** The longest address of a layer that [name] stands in. */
    private fun owner(name: String): String {
        var address = name
        while (address !in layers && '.' in address) address = address.substringBeforeLast('.')
        return address
    }
}
