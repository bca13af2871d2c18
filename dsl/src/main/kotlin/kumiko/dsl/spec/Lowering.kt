package kumiko.dsl.spec

import kumiko.runtime.graph.GraphBuilder
import kumiko.runtime.graph.Node

/** The place of a layer while its model becomes a graph: gives the layer its weights and its nodes their canonical names. */
public class Lowering internal constructor(
    private val model: Model,
    private val address: String,
    private val layer: Layer?,
    private val output: String?,
) {
    /** The graph so far, and what is the same in all of one block. */
    internal class Model(val graph: GraphBuilder, val spec: ModelSpec, val number: Int, val prefix: PrefixColumns? = null)

    public val graph: GraphBuilder get() = model.graph

    private val weights = layer?.parameters().orEmpty().associateBy { it.name }

    /** The canonical name of an inner node: `blocks.3.attention.query`. */
    public fun name(node: String): String = join(address, node)

    /** The canonical name of a node that belongs to [path]. */
    public fun name(path: Path, node: String): String = join(join(address, path.label ?: "branch${indexOf(path)}"), node)

    /** The name of this layer's last node: the one its surroundings ask for, else [default] within this layer. */
    public fun result(default: String = ""): String = output ?: name(default)

    /** A weight of this layer. */
    public fun parameter(weight: String): Node = parameterOrNull(weight) ?: error("$layer at $address has no weight $weight")

    /** A weight of this layer, or null where it has none of that name. */
    public fun parameterOrNull(weight: String): Node? = weights[weight]?.let { graph.parameter(name(it.name), *it.sizes()) }

    /** `x W^T + b` with the weights `[weight].weight` and, where there is one, `[weight].bias`. */
    public fun linear(weight: String, x: Node, node: String = if (weight.isEmpty()) result() else name(weight)): Node = graph.linear(
        node,
        x,
        parameter(join(weight, "weight")),
        parameterOrNull(join(weight, "bias")),
    )

    /** The next [width] columns of the model's prefix, `[length, width]`; null where it has none. */
    public fun prefix(node: String, width: Int): Node? = model.prefix?.take(graph, name(node), width)

    /** The token table of the embedding. */
    public fun tokenTable(): Node {
        val (tokens, at) = model.spec.embedding.located("embedding", merged = false).first { it.layer is Tokens }
        return graph.parameter("$at.weight", *tokens.parameters().single().sizes())
    }

    /** A number in this layer of the model. */
    public fun value(expr: LayerExpr): Double = expr.at(model.number, model.spec.layers)

    /** [path], which stands in this layer, over rows [x]. */
    public fun path(path: Path, x: Node): Node = steps(path).run(x)

    /** The layers of [path] one by one; the last node is called [output] where that is given. */
    public fun steps(path: Path, output: String? = null): List<(Node) -> Node> =
        steps(path, join(address, path.label), merged = true, output ?: name(path, "").takeIf { path.label == null })

    private fun steps(path: Path, address: String, merged: Boolean, output: String?): List<(Node) -> Node> =
        path.layers.zip(path.addresses(address, merged)).mapIndexed { index, (layer, at) ->
            { rows -> layer.lower(rows, Lowering(model, at, layer, output.takeIf { index == path.layers.lastIndex })) }
        }

    /** [path], which is the layer at this place itself. */
    internal fun inside(path: Path, x: Node): Node = steps(path, address, merged = true, output).run(x)

    /**
     * Folds the residual stream over [paths]: [step] is given a path, the name of the stream behind it, and the stream before it. The
     * last name is this layer's [result].
     */
    public fun stream(paths: List<Path>, x: Node, step: (Path, String, Node) -> Node): Node = paths.foldIndexed(x) { index, stream, path ->
        step(path, if (index == paths.lastIndex) result() else name(path, "residual"), stream)
    }

    private fun indexOf(path: Path) = layer?.paths.orEmpty().indexOfFirst { it === path }

    internal companion object {
        /** The layers of [part], the embedding or the head, in the name [address]; the last node is called [output]. */
        fun part(spec: ModelSpec, graph: GraphBuilder, part: Layer, address: String, x: Node, output: String): Node =
            Lowering(Model(graph, spec, 0), address, null, null).steps(part.asPath(), address, merged = false, output).run(x)

        /** The block of layer [number]. */
        fun block(spec: ModelSpec, graph: GraphBuilder, number: Int, x: Node, prefix: PrefixColumns?): Node {
            val path = spec.block(number).asPath()
            val address = "blocks.$number"
            return Lowering(
                Model(graph, spec, number, prefix),
                address,
                null,
                null,
            ).steps(path, join(address, path.label), merged = true, address).run(x)
        }

        private fun List<(Node) -> Node>.run(x: Node) = fold(x) { rows, step -> step(rows) }
    }
}

internal fun Weight.sizes(): LongArray = dims.map { it.size.toLong() }.toLongArray()
