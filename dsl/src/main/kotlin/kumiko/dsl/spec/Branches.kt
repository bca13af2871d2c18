@file:JvmName("Branches")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Node

/** `p(x) + q(x) + ...`: several paths over the same rows. */
@Serializable
@SerialName("sum")
public data class Sum(override val paths: List<Path>) : Layer {
    init {
        requireBranches("sum", paths)
    }

    override val label: String? get() = null

    override fun withPaths(paths: List<Path>): Sum = copy(paths = paths)

    override fun width(input: Width, at: Check): Width = at.sameWidth(paths, input)

    override fun lower(x: Node, at: Lowering): Node = at.combine(paths, x, "sum") { name, a, b -> at.graph.add(name, 1.0, a, b) }
}

/** `p(x) * q(x) * ...`, element-wise. */
@Serializable
@SerialName("product")
public data class Product(override val paths: List<Path>) : Layer {
    init {
        requireBranches("product", paths)
    }

    override val label: String? get() = null

    override fun withPaths(paths: List<Path>): Product = copy(paths = paths)

    override fun width(input: Width, at: Check): Width = at.sameWidth(paths, input)

    override fun lower(x: Node, at: Lowering): Node = at.combine(paths, x, "product") { name, a, b -> at.graph.multiply(name, a, b) }
}

public fun sum(vararg paths: Layer): Sum = Sum(paths.map { it.asPath() })

public fun product(vararg paths: Layer): Product = Product(paths.map { it.asPath() })

/** `tokens(...) + learnedPositions(...)`. */
public operator fun Layer.plus(other: Layer): Sum =
    Sum(((this as? Sum)?.paths ?: listOf(asPath())) + ((other as? Sum)?.paths ?: listOf(other.asPath())))

private fun requireBranches(kind: String, paths: List<Path>) {
    if (paths.size < 2) throw SpecException("a $kind joins at least two paths, not ${paths.size}")
}

private fun Check.sameWidth(paths: List<Path>, input: Width): Width {
    val widths = paths.map { path(it, input) }
    widths.drop(1).filter { it.dim?.size != widths[0].dim?.size }.forEach {
        problem("", "joins ${it.dim?.shown()} to ${widths[0].dim?.shown()}", origins(widths[0], it))
    }
    return widths[0]
}

private fun Lowering.combine(paths: List<Path>, x: Node, kind: String, join: (String, Node, Node) -> Node): Node {
    val branches = paths.map { path(it, x) }
    return branches.drop(1).foldIndexed(branches[0]) { index, a, b ->
        join(if (index == branches.size - 2) result(kind) else name(kind + index), a, b)
    }
}
