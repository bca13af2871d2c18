@file:JvmName("Attentions")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Node

/**
 * Grouped-query attention: query head h reads key head `h / (heads / kvHeads)`, `out(softmax(scale * q k^T) v)`. Vaswani et al. 2017;
 * Ainslie et al. 2023, arXiv:2305.13245. [kvHeads] equal to [heads] is multi-head, 1 is multi-query attention.
 *
 * @property inner width of all query heads together, written only where it is not [embed]
 * @property queryNorm over all query heads before rotary, `[heads * headDim]`; [keyNorm] over all key heads
 */
@Serializable
@SerialName("attention")
public data class Attention(
    public val embed: Dim,
    public val heads: Dim,
    public val headDim: Dim,
    public val kvHeads: Dim,
    public val inner: Dim?,
    public val positions: PositionCode,
    public val mask: Mask,
    public val scale: ScoreScale,
    public val bias: Bias,
    public val queryNorm: Norm?,
    public val keyNorm: Norm?,
) : Layer {
    override val label: String get() = "attention"

    override val paths: List<Path>
        get() = listOfNotNull(queryNorm?.named("query.norm"), keyNorm?.named("key.norm"))

    override fun withPaths(paths: List<Path>): Attention {
        val norms = paths.associate { it.name to normOf(it) }
        return copy(queryNorm = norms["query.norm"], keyNorm = norms["key.norm"])
    }

    override fun parameters(): List<Weight> {
        val query = positions.rows(heads, headDim)
        val key = positions.rows(kvHeads, headDim)
        return linearWeights("query", heads * headDim, embed, bias.input, query) +
            linearWeights("key", kvHeads * headDim, embed, bias.input, key) +
            linearWeights("value", kvHeads * headDim, embed, bias.input, PositionCode.None.rows(kvHeads, headDim)) +
            linearWeights("out", embed, heads * headDim, bias.output)
    }

    override fun width(input: Width, at: Check): Width {
        val fits = at.fits("query", embed, input)
        checkInner(input, at)
        if (heads.size % kvHeads.size != 0) {
            at.problem(
                "key",
                "$kvHeads key heads for $heads query heads",
                "every key head serves as many query heads; did you mean kvHeads = heads?",
            )
        }
        positions.check(headDim, at)
        if (mask is Mask.PrefixCausal && at.positions !is BlockPositions) {
            at.problem(
                "scores",
                "a prefix mask needs the place of the start token, but the model has none",
                "write positions = blockPositions(...)",
            )
        }
        queryNorm?.let { at.path(paths.first(), at.width(heads * headDim, "query")) }
        keyNorm?.let { at.path(paths.last(), at.width(kvHeads * headDim, "key")) }
        return if (fits) at.width(embed, "out") else input
    }

    private fun checkInner(input: Width, at: Check) {
        val used = heads * headDim
        val wanted = inner ?: input.dim ?: return
        if (used.size == wanted.size) return
        val perHead = wanted.size / heads.size
        val remedy = if (wanted.size % heads.size == 0) {
            "did you mean ${headDim.name("headDim")} = ${wanted.text} / ${heads.text} = $perHead?"
        } else {
            "${wanted.shown()} does not divide by ${heads.shown()}; write inner = ${used.text} if the heads are meant to be so wide"
        }
        val owner = if (inner == null) "the residual stream is ${wanted.shown()}" else "inner is ${wanted.shown()}"
        val origin = if (inner == null) "${wanted.text} comes from ${input.origin}; " else ""
        at.problem("out", "input ${used.shown()}, but $owner", origin + remedy)
    }

    override fun lower(x: Node, at: Lowering): Node {
        val (q, k, v) = Triple(at.linear("query", x), at.linear("key", x), at.linear("value", x))
        val query = turned("query", queryNorm, q, at) // [seq, heads*headDim]
        val key = turned("key", keyNorm, k, at) // [seq, kvHeads*headDim]
        val keys = cached("keys", key, at) // [kvHeads, keys, headDim]
        val values = cached("values", v, at)
        val (scoreScale, softmaxScale) = scale.factors(headDim.size, at)
        val scores = at.graph.scores(at.name("scores"), query, keys, heads.size, kvHeads.size, headDim.size, scoreScale)
        val visible = at.graph.visible(mask.visible())
        val probabilities = at.graph.softmax(at.name("probabilities"), scores, visible, softmaxScale, mask.fill ?: Double.NaN)
        val mixed = at.graph.mix(at.name("mixed"), probabilities, values, heads.size, kvHeads.size, headDim.size)
        return at.linear("out", mixed, at.result("out")) // [seq, embed]
    }

    private fun cached(name: String, x: Node, at: Lowering): Node =
        at.graph.append(at.name(name), x, at.prefix("$name.prefix", kvHeads.size * headDim.size), kvHeads.size, headDim.size)

    private fun turned(name: String, norm: Norm?, x: Node, at: Lowering): Node {
        val normed = if (norm == null) x else at.path(norm.named("$name.norm"), x)
        return positions.turn(normed, headDim.size, at.name("$name.rotary"), at)
    }
}

private fun Dim.name(otherwise: String): String = (this as? Dim.Named)?.name ?: otherwise

private fun normOf(path: Path): Norm = path.layers.singleOrNull() as? Norm
    ?: throw SpecException("the ${path.name} of attention is one norm; other layers do not fit there")

@Suppress("LongParameterList")
public fun attention(
    embed: Dim,
    heads: Dim,
    headDim: Dim,
    kvHeads: Dim = heads,
    inner: Dim? = null,
    positions: PositionCode = PositionCode.None,
    mask: Mask = causal(),
    scale: ScoreScale = ScoreScale.InverseSqrt,
    bias: Bias = Bias.NOWHERE,
    queryNorm: Norm? = null,
    keyNorm: Norm? = null,
): Attention = Attention(embed, heads, headDim, kvHeads, inner, positions, mask, scale, bias, queryNorm, keyNorm)
