package kumiko.cli.parity

import kumiko.dsl.compare.decimal
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Frequencies
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Mask
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Pairing
import kumiko.runtime.graph.Source
import kotlin.math.sqrt

/** The same weights in graphs that differ in one number or one operand of the nodes [inside]. */
internal class GraphAlternatives(private val base: Variant, private val inside: Inside) {
    private val graph get() = base.graph
    private val headDim = graph.nodes().firstNotNullOfOrNull { (it.op() as? Op.Scores)?.headDim() }

    fun all(): List<Alternative> =
        pairings() + frequencies() + shares() + activations() + epsilons() + offsets() + scales() + alphas() + biases() + masks() + tie()

    private inline fun <reified T : Op> ops(): List<T> = inside.nodes.map { it.op() }.filterIsInstance<T>().distinct()

    private fun alternative(cause: Cause, words: String, other: Graph) = Alternative(cause, words, other, base.headOrder) { base.weights }

    private fun ops(cause: Cause, words: String, change: (Op) -> Op?) =
        alternative(cause, words, graph.withOps { node -> if (node.name() in inside.names) change(node.op()) else null })

    private fun pairings() = ops<Op.Rotate>().map { it.pairing() }.distinct().flatMap { own ->
        (Pairing.entries - own).map { other ->
            ops(Cause.ROTARY_PAIRING, "rotary pairing $other in place of $own") { op ->
                (op as? Op.Rotate)?.let { Op.Rotate(it.headDim(), it.first(), other) }
            }
        }
    }

    private fun frequencies() = ops<Op.Angles>().map { it.frequencies() }.distinct().flatMap { own ->
        fun other(words: String, frequencies: Frequencies) =
            ops(Cause.ROTARY_BASE, words) { op -> if (op is Op.Angles) Op.Angles(frequencies) else null }

        val bases = (BASES - own.base()).map { base ->
            other(
                "rotary base ${decimal(base)} in place of ${decimal(own.base())}",
                Frequencies(own.dims(), base, own.scaling(), own.rounding()),
            )
        }
        val roundings = (Frequencies.Rounding.entries - own.rounding()).map {
            other(
                "rotary frequencies rounded to $it in place of ${own.rounding()}",
                Frequencies(own.dims(), own.base(), own.scaling(), it),
            )
        }
        val unscaled = Frequencies(own.dims(), own.base(), Frequencies.Scaling.None(), own.rounding()).takeIf { it != own }
        bases + roundings + listOfNotNull(unscaled?.let { other("rotary frequencies without scaling", it) })
    }

    private fun shares(): List<Alternative> {
        // Where heads are turned in several runs, a run of another length would lie on the next.
        val size = headDim?.takeIf { ops<Op.Rotate>().all { it.first() == 0 } } ?: return emptyList()
        return ops<Op.Angles>().map { it.frequencies() }.distinct().flatMap { own ->
            (listOf(size, size / 2, size / 4) - own.dims()).filter { it > 0 && it % 2 == 0 }.map { dims ->
                val other = Op.Angles(Frequencies(dims, own.base(), own.scaling(), own.rounding()))
                val words = "$dims of the $size elements of a head turned in place of ${own.dims()}"
                val graph = graph.edited { node, inputs ->
                    if (node.op() is Op.Angles) NewNode(other, inputs, node.type().withWidth(dims.toLong())) else null
                }
                alternative(Cause.ROTARY_SHARE, words, graph)
            }
        }
    }

    private fun activations() = ops<Op.Activate>().map { it.function() }.distinct().flatMap { own ->
        (Activation.entries - own).map { other ->
            ops(Cause.ACTIVATION, "activation $other in place of $own") { op -> if (op == Op.Activate(own)) Op.Activate(other) else null }
        }
    }

    private fun epsilons(): List<Alternative> {
        val own = (ops<Op.LayerNorm>().map { it.eps() } + ops<Op.RmsNorm>().map { it.eps() }).distinct()
        return own.flatMap { eps ->
            (EPSILONS - eps).map { other ->
                ops(Cause.NORM_EPSILON, "norm epsilon ${decimal(other)} in place of ${decimal(eps)}") { op ->
                    when {
                        op is Op.LayerNorm && op.eps() == eps -> Op.LayerNorm(other)
                        op is Op.RmsNorm && op.eps() == eps -> Op.RmsNorm(other, op.offset())
                        else -> null
                    }
                }
            }
        }
    }

    private fun offsets() = ops<Op.RmsNorm>().map { it.offset() }.distinct().map { own ->
        val other = if (own == 0.0) 1.0 else 0.0
        ops(Cause.NORM_OFFSET, "norm weights offset by ${decimal(other)} in place of ${decimal(own)}") { op ->
            (op as? Op.RmsNorm)?.let { Op.RmsNorm(it.eps(), other) }
        }
    }

    private fun scales() = ops<Op.Scores>().map { it.scale() to it }.distinctBy { it.first }.flatMap { (own, op) ->
        val after = graph.nodes().firstNotNullOfOrNull { (it.op() as? Op.Softmax)?.scale() } ?: 1.0
        val size = op.headDim().toDouble()
        val wanted = mapOf("1" to 1.0, "1/sqrt(headDim)" to 1 / sqrt(size), "1/headDim" to 1 / size, "sqrt(headDim)" to sqrt(size)) +
            ("1/sqrt(heads*headDim)" to 1 / sqrt(op.heads() * size))
        (wanted.mapValues { it.value / after } + ("the same, but 1 behind the mask" to own * after)).filterValues { it != own }
            .map { (words, scale) ->
                ops(Cause.SCALE, "scores times $words in place of ${"%.6g".format(java.util.Locale.ROOT, own * after)}") {
                    if (it is Op.Scores) Op.Scores(it.heads(), it.kvHeads(), it.headDim(), scale) else null
                }
            }
    }

    private fun alphas(): List<Alternative> = ops<Op.Add>().map { it.scale() }.filter { it != 1.0 }.distinct().flatMap { alpha ->
        val swapped = graph.edited { node, inputs ->
            if (node.name() in inside.names && node.op() == Op.Add(alpha)) NewNode(node.op(), inputs.reversed(), node.type()) else null
        }
        listOf(
            alternative(Cause.ALPHA, "alpha on the other operand: a + alpha*b in place of alpha*a + b", swapped),
            ops(Cause.ALPHA, "no alpha in the residual") { op -> if (op == Op.Add(alpha)) Op.Add(1.0) else null },
        )
    }

    private fun biases(): List<Alternative> {
        val biased = inside.nodes.filter { it.op() is Op.Linear && it.inputs().size == WITH_BIAS }
        return biased.groupBy { Inside.role(it.name()) }.map { (role, nodes) ->
            val names = nodes.map { it.name() }.toSet()
            val without = graph.edited { node, inputs ->
                if (node.name() in names) NewNode(node.op(), inputs.take(WITH_BIAS - 1), node.type()) else null
            }
            alternative(Cause.BIAS, "no bias in $role", without)
        }
    }

    private fun masks(): List<Alternative> {
        val expressed = ops<Op.Input>().map { it.source() }.filterIsInstance<Source.Visible>().flatMap { visible ->
            val others = when (val own = visible.mask()) {
                is Mask.Causal -> emptyMap()
                is Mask.PrefixCausal -> mapOf("a causal mask in place of one that shows the whole prompt" to Mask.Causal())
                is Mask.Window -> mapOf("no window in place of one of ${own.size()} keys" to Mask.Causal())
            }
            others.map { (words, mask) ->
                ops(Cause.MASK, words) { op -> if (op == Op.Input(visible)) Op.Input(Source.Visible(mask)) else null }
            }
        }
        val softmaxes = inside.nodes.filter { it.op() is Op.Softmax }
        val shifted = if (softmaxes.isEmpty()) emptyList() else MaskShift.entries
        return expressed + shifted.map { shift ->
            Alternative(Cause.MASK, shift.words, graph, base.headOrder, edit = shift.edit(softmaxes)) { base.weights }
        }
    }

    private fun tie(): List<Alternative> {
        val table = graph.nodes().firstOrNull(::readsTokens)?.inputs()?.first() ?: return emptyList()
        val head = inside.nodes.firstOrNull { it.name() == graph.output().name() && it.op() is Op.Linear } ?: return emptyList()
        if (head.inputs()[1].name() == table.name() || head.inputs()[1].type() != table.type()) return emptyList()
        var found: Node? = null
        val tied = graph.edited { node, inputs ->
            if (readsTokens(node)) found = inputs.first()
            if (node.name() == head.name()) NewNode(node.op(), listOf(inputs[0], found!!), node.type()) else null
        }
        return listOf(alternative(Cause.TIED_HEAD, "the head tied to ${table.name()} in place of its own", tied))
    }

    private fun readsTokens(node: Node) = node.op() is Op.Embedding && (node.inputs()[1].op() as? Op.Input)?.source() is Source.Tokens

    private companion object {
        /** Input, weight, bias. */
        const val WITH_BIAS = 3

        /** What published models use. */
        val BASES = listOf(1e4, 1e5, 1.6e5, 2.5e5, 5e5, 1e6, 5e6, 8e6, 1e7)
        val EPSILONS = listOf(1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-12)
    }
}
