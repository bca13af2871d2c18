package kumiko.runtime.run

import io.kotest.property.Arb
import io.kotest.property.arbitrary.arbitrary
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Frequencies
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.GraphBuilder
import kumiko.runtime.graph.Mask
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Pairing
import kumiko.runtime.graph.Positions
import kumiko.runtime.graph.Type
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout
import kotlin.math.sqrt
import kotlin.random.Random
import kotlin.random.asJavaRandom

/** A small graph with weights, and prompts that suit it. */
class TestModel(val graph: Graph, val weights: Map<String, Matrix>, private val describe: String, private val seed: Int) {
    val vocab = graph.output().type().width()

    fun prompt(length: Int, salt: Int): IntArray {
        val random = Random(seed * 31 + salt)
        val positions = graph.positions()
        if (positions !is Positions.Blocks) return IntArray(length) { random.nextInt(vocab) }
        val ids = IntArray(maxOf(length, 3)) { random.nextInt(3, vocab) }
        val start = random.nextInt(1, ids.size)
        ids[start] = positions.start()
        ids[random.nextInt(start)] = if (random.nextBoolean()) positions.blank() else positions.generation()
        return ids
    }

    override fun toString() = "$describe (seed $seed)"
}

/** Everything a random graph is made of. */
data class Choices(
    val heads: Int,
    val kvHeads: Int,
    val headDim: Int,
    val layers: Int,
    val rms: Boolean,
    val gated: Boolean,
    val bias: Boolean,
    val residual: String,
    val rotary: Pairing?,
    val learned: Boolean,
    val mask: Mask,
    val blocks: Boolean,
    val prefix: Int,
    val fill: Double,
    val tied: Boolean,
)

private fun Random.choices(): Choices {
    val kvHeads = nextInt(1, 4)
    val blocks = nextInt(4) == 0
    val mask = if (blocks) {
        Mask.PrefixCausal()
    } else if (nextInt(3) == 0) {
        Mask.Window(nextInt(1, 6))
    } else {
        Mask.Causal()
    }
    return Choices(
        heads = kvHeads * nextInt(1, 4),
        kvHeads = kvHeads,
        headDim = 4 * nextInt(1, 4),
        layers = nextInt(1, 4),
        rms = nextBoolean(),
        gated = nextBoolean(),
        bias = nextBoolean(),
        residual = listOf("sequential", "parallel", "post", "glm").random(this),
        rotary = listOf(null, Pairing.HALVES, Pairing.ADJACENT).random(this),
        learned = nextBoolean(),
        mask = mask,
        blocks = blocks,
        prefix = if (mask !is Mask.Window && nextInt(3) == 0) nextInt(1, 5) else 0,
        fill = if (nextInt(3) == 0) -10000.0 else Double.NaN,
        tied = nextBoolean(),
    )
}

private class Writer(val c: Choices, val vocab: Int) {
    val b = GraphBuilder("random")
    val embed = c.heads * c.headDim
    val hidden = embed + 5

    fun weight(name: String, vararg dims: Int): Node = b.parameter(name, *dims.map { it.toLong() }.toLongArray())

    fun linear(name: String, x: Node, out: Int): Node =
        b.linear(name, x, weight("$name.weight", out, x.type().width()), if (c.bias) weight("$name.bias", out) else null)

    fun norm(name: String, x: Node): Node {
        val weight = weight("$name.weight", x.type().width())
        return if (c.rms) {
            b.rmsNorm(
                name,
                x,
                weight,
                1e-6,
                0.0,
            )
        } else {
            b.layerNorm(name, x, weight, weight("$name.bias", x.type().width()), 1e-5)
        }
    }

    fun turn(name: String, x: Node): Node {
        val pairing = c.rotary ?: return x
        val half = c.headDim / 2
        val one = Frequencies(half, 10000.0, Frequencies.Scaling.None(), Frequencies.Rounding.F32)
        val first = b.rotate(name, x, b.angles(b.position(0), one), c.headDim, 0, pairing)
        return if (c.blocks) b.rotate("$name.block", first, b.angles(b.position(1), one), c.headDim, half, pairing) else first
    }

    fun attention(name: String, x: Node): Node {
        val query = turn("$name.query.turned", linear("$name.query", x, embed))
        val keys = cached("$name.keys", turn("$name.key.turned", linear("$name.key", x, c.kvHeads * c.headDim)))
        val values = cached("$name.values", linear("$name.value", x, c.kvHeads * c.headDim))
        val scores = b.scores("$name.scores", query, keys, c.heads, c.kvHeads, c.headDim, 1 / sqrt(c.headDim.toDouble()))
        val probabilities = b.softmax("$name.probabilities", scores, b.visible(c.mask), 1.0, c.fill)
        return linear("$name.out", b.mix("$name.mix", probabilities, values, c.heads, c.kvHeads, c.headDim), embed)
    }

    fun cached(name: String, x: Node): Node {
        val prefix = if (c.prefix > 0) weight("$name.prefix", c.prefix, c.kvHeads * c.headDim) else null
        return b.append(name, x, prefix, c.kvHeads, c.headDim)
    }

    fun feedForward(name: String, x: Node): Node {
        val up = linear("$name.up", x, hidden)
        val function = Activation.entries[c.layers % Activation.entries.size]
        val inner = if (!c.gated) b.activate("$name.active", up, function) else gated(name, x, up, function)
        return linear("$name.down", inner, embed)
    }

    private fun gated(name: String, x: Node, up: Node, function: Activation) =
        b.multiply("$name.product", b.activate("$name.active", linear("$name.gate", x, hidden), function), up)

    fun block(i: Int, x: Node): Node {
        val name = "blocks.$i"
        return when (c.residual) {
            "sequential" -> {
                val middle = b.add("$name.middle", 1.0, x, attention("$name.attention", norm("$name.norm1", x)))
                b.add(name, 1.0, middle, feedForward("$name.ffn", norm("$name.norm2", middle)))
            }

            "parallel" -> {
                val first = b.add("$name.first", 1.0, x, attention("$name.attention", norm("$name.norm1", x)))
                b.add(name, 1.0, first, feedForward("$name.ffn", norm("$name.norm2", x)))
            }

            "post" -> {
                val middle = norm("$name.norm1", b.add("$name.sum1", 1.0, attention("$name.attention", x), x))
                norm(name, b.add("$name.sum2", 1.0, feedForward("$name.ffn", middle), middle))
            }

            else -> {
                val first = norm("$name.norm1", x)
                val middle = b.add("$name.middle", 1.7, first, attention("$name.attention", first))
                val second = norm("$name.norm2", middle)
                b.add(name, 1.7, second, feedForward("$name.ffn", second))
            }
        }
    }

    fun graph(): Graph {
        val table = weight("embedding.weight", vocab, embed)
        var x = b.embedding("tokens.embedding", table, b.tokens())
        if (c.learned) {
            x =
                b.add("embedding", 1.0, x, b.embedding("positions.embedding", weight("positions.weight", 64, embed), b.position(0)))
        }
        repeat(c.layers) { x = block(it, x) }
        val last = norm("head.norm", x)
        val logits = b.linear("logits", last, if (c.tied) table else weight("head.weight", vocab, embed), null)
        val positions = if (c.blocks) Positions.Blocks(0, 1, 2) else Positions.Sequential()
        return b.build(logits, positions)
    }
}

fun randomModel(seed: Int, change: (Choices) -> Choices = { it }): TestModel {
    val random = Random(seed)
    val choices = change(random.choices())
    val graph = Writer(choices, random.nextInt(7, 40)).graph()
    return TestModel(graph, randomWeights(graph, seed), choices.toString(), seed)
}

fun randomWeights(graph: Graph, seed: Int): Map<String, Matrix> {
    val random = Random(seed).asJavaRandom()
    return graph.nodes().filter { it.op() is Op.Parameter }.associate { node ->
        val dims = node.type().extents().map { (it as Type.Extent.Size).size() }.toLongArray()
        val norm = dims.size == 1 && node.name().contains("norm") && node.name().endsWith("weight")
        val deviation = if (dims.size == 2 && !node.name().endsWith("prefix")) 1 / sqrt(dims[1].toDouble()) else 0.3
        val tensor = tensor(dims) { (if (norm) 1.0 else 0.0) + deviation * random.nextGaussian() }
        node.name() to Matrix.of(tensor)
    }
}

fun tensor(dims: LongArray, element: (Int) -> Double): Tensor {
    val shape = Shape.of(*dims)
    val data = Arena.ofAuto().allocate(DType.F32.bytes(shape.elements()), 64)
    repeat(shape.elements().toInt()) { data.setAtIndex(ValueLayout.JAVA_FLOAT, it.toLong(), element(it).toFloat()) }
    return Tensor(DType.F32, shape, data)
}

val models: Arb<TestModel> = arbitrary { randomModel(it.random.nextInt(1_000_000)) }
