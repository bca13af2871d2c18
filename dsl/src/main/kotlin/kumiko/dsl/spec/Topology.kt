@file:JvmName("Topologies")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Node

/**
 * How paths are wired to the residual stream x. A topology is a layer like any other, so wirings nest; a new one is a class of its own
 * and one line, [Kinds.register].
 */
public interface Topology : Layer {
    override val label: String? get() = null

    /** Every path gives the stream's width back. */
    override fun width(input: Width, at: Check): Width {
        paths.forEach { at.keeps(it, input) }
        return input
    }
}

/** `x <- x + p(x)`, then `x <- x + q(x)`, ... He et al. 2016; GPT-2, LLaMA. */
@Serializable
@SerialName("sequential-residual")
public data class SequentialResidual(override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>): SequentialResidual = copy(paths = paths)

    override fun lower(x: Node, at: Lowering): Node = at.stream(paths, x) { path, name, stream ->
        at.graph.add(name, 1.0, stream, at.path(path, stream))
    }
}

/** `x <- x + p(x) + q(x) + ...`. Wang and Komatsuzaki 2021 (GPT-J); GPT-NeoX, arXiv:2204.06745, section 2.1. */
@Serializable
@SerialName("parallel-residual")
public data class ParallelResidual(override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>): ParallelResidual = copy(paths = paths)

    override fun lower(x: Node, at: Lowering): Node {
        val branches = paths.map { it to at.path(it, x) }.toMap(java.util.IdentityHashMap())
        return at.stream(paths, x) { path, name, stream -> at.graph.add(name, 1.0, stream, branches.getValue(path)) }
    }
}

/**
 * `n = norm(x)`, `x <- alpha * n + f(n)` for each path `norm then f`: the residual is taken behind the norm. Zeng et al. 2022
 * (GLM-130B); THUDM/chatglm-6b, modeling_chatglm.py, GLMBlock.
 */
@Serializable
@SerialName("glm-residual")
public data class GlmResidual(public val alpha: LayerExpr, override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>): GlmResidual = copy(paths = paths)

    override fun width(input: Width, at: Check): Width {
        paths.filter { it.layers.first() !is Norm || it.layers.size < 2 }.forEach {
            at.problem(
                it.label.orEmpty(),
                "glmResidual adds the normed rows, but this path is no norm and what follows it",
                "write norm then ...",
            )
        }
        return super.width(input, at)
    }

    override fun lower(x: Node, at: Lowering): Node = at.stream(paths, x) { path, name, stream ->
        val steps = at.steps(path)
        val normed = steps.first()(stream)
        at.graph.add(name, at.value(alpha), normed, steps.drop(1).fold(normed) { rows, step -> step(rows) })
    }
}

/** `x <- norm(x + f(x))` for each path `f then norm`. Vaswani et al. 2017, section 3.1; BERT. */
@Serializable
@SerialName("post-norm")
public data class PostNorm(override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>): PostNorm = copy(paths = paths)

    override fun width(input: Width, at: Check): Width {
        paths.filter { it.layers.last() !is Norm || it.layers.size < 2 }.forEach {
            at.problem(it.label.orEmpty(), "postNorm norms the sum, but this path does not end in a norm", "write ... then norm")
        }
        return super.width(input, at)
    }

    override fun lower(x: Node, at: Lowering): Node = at.stream(paths, x) { path, name, stream ->
        val steps = at.steps(path, name)
        val branch = steps.dropLast(1).fold(stream) { rows, step -> step(rows) }
        steps.last()(at.graph.add(at.name(path, "sum"), 1.0, stream, branch))
    }
}

/** `x <- x + scale * p(x)`, then the next path. */
@Serializable
@SerialName("scaled-residual")
public data class ScaledResidual(public val scale: LayerExpr, override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>): ScaledResidual = copy(paths = paths)

    override fun lower(x: Node, at: Lowering): Node = at.stream(paths, x) { path, name, stream ->
        at.graph.add(name, at.value(scale), at.path(path, stream), stream)
    }
}

/** `x <- x + gate(x) * p(x)`, element-wise, then the next path; [gate] comes first in [paths]. Srivastava et al. 2015, arXiv:1505.00387. */
@Serializable
@SerialName("gated-residual")
public data class GatedResidual(public val gate: Path, public val gated: List<Path>) : Topology {
    override val paths: List<Path> get() = listOf(gate) + gated

    override fun withPaths(paths: List<Path>): GatedResidual = GatedResidual(paths.first(), paths.drop(1))

    override fun lower(x: Node, at: Lowering): Node {
        val open = at.path(gate, x)
        return at.stream(gated, x) { path, name, stream ->
            val product = at.graph.multiply(at.name(path, "product"), open, at.path(path, stream))
            at.graph.add(name, 1.0, stream, product)
        }
    }
}

public fun sequentialResidual(vararg paths: Layer): SequentialResidual = SequentialResidual(paths.map { it.asPath() })

/** One path added to its input: `x <- x + p(x)`. */
public fun residual(path: Layer): SequentialResidual = sequentialResidual(path)

public fun parallelResidual(vararg paths: Layer): ParallelResidual = ParallelResidual(paths.map { it.asPath() })

public fun postNorm(vararg paths: Layer): PostNorm = PostNorm(paths.map { it.asPath() })

/** A wiring with its number: `glmResidual(alpha = ...)(attn, ffn)`. */
public fun interface Wiring {
    public fun of(paths: List<Path>): Topology
}

public operator fun Wiring.invoke(vararg paths: Layer): Topology = of(paths.map { it.asPath() })

public fun glmResidual(alpha: LayerExpr): Wiring = Wiring { GlmResidual(alpha, it) }

public fun glmResidual(alpha: Double): Wiring = glmResidual(LayerExpr.of(alpha))

public fun scaledResidual(scale: LayerExpr): Wiring = Wiring { ScaledResidual(scale, it) }

public fun gatedResidual(gate: Layer): Wiring = Wiring { GatedResidual(gate.named("gate"), it) }
