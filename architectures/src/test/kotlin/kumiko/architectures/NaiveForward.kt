package kumiko.architectures

import kotlin.math.PI
import kotlin.math.cos
import kotlin.math.exp
import kotlin.math.pow
import kotlin.math.sin
import kotlin.math.sqrt
import kotlin.math.tanh

/** Rows of a matrix; slow and plain on purpose. */
internal typealias Rows = List<DoubleArray>

/**
 * GPT-2 and LLaMA written down once more, in double precision and in loops that follow the papers line by line, sharing nothing with the
 * library but the names of the weights. All values that the library calls by a name are kept in [seen].
 */
internal class NaiveForward(private val weights: Map<String, DoubleArray>) {
    val seen = LinkedHashMap<String, Rows>()

    /** GPT-2. Radford et al. 2019. */
    fun gpt2(ids: IntArray, layers: Int, embed: Int, heads: Int): Rows {
        var x: Rows = ids.mapIndexed { t, id -> row("embedding.tokens.weight", id, embed) + row("embedding.positions.weight", t, embed) }
        seen["embedding"] = x
        for (i in 0..<layers) {
            val at = "blocks.$i"
            val n = x.map { layerNorm(it, "$at.attention.norm") }
            val (q, k, v) = listOf("query", "key", "value").map { linear(n, "$at.attention.$it") }
            x = sum(x, linear(attention(at, q, k, v, heads, heads), "$at.attention.out").also { seen["$at.attention.out"] = it })
            val up = linear(x.map { layerNorm(it, "$at.ffn.norm") }, "$at.ffn.up")
            val active = up.map { r -> DoubleArray(r.size) { geluTanh(r[it]) } }
            x = sum(x, linear(active, "$at.ffn.down").also { seen["$at.ffn.down"] = it })
            seen[at] = x
        }
        val n = x.map { layerNorm(it, "head.norm") }.also { seen["head.norm"] = it }
        return linear(n, "embedding.tokens").also { seen["logits"] = it }
    }

    /** LLaMA. Touvron et al. 2023; meta-llama/llama3, llama/model.py. */
    fun llama(ids: IntArray, layers: Int, embed: Int, heads: Int, kvHeads: Int, base: Double): Rows {
        var x: Rows = ids.map { row("embedding.tokens.weight", it, embed) }
        seen["embedding"] = x
        for (i in 0..<layers) {
            val at = "blocks.$i"
            val n = x.map { rmsNorm(it, "$at.attention.norm") }
            val (q, k) = listOf("query", "key").map { name -> turned(linear(n, "$at.attention.$name"), embed / heads, base) }
            val v = linear(n, "$at.attention.value")
            x = sum(x, linear(attention(at, q, k, v, heads, kvHeads), "$at.attention.out").also { seen["$at.attention.out"] = it })
            val n2 = x.map { rmsNorm(it, "$at.ffn.norm") }
            val (gate, up) = listOf("gate", "up").map { linear(n2, "$at.ffn.$it") }
            val gated = gate.zip(up) { g, u -> DoubleArray(g.size) { g[it] / (1 + exp(-g[it])) * u[it] } }
            x = sum(x, linear(gated, "$at.ffn.down").also { seen["$at.ffn.down"] = it })
            seen[at] = x
        }
        val n = x.map { rmsNorm(it, "head.norm") }.also { seen["head.norm"] = it }
        return linear(n, "head.linear").also { seen["logits"] = it }
    }

    /** Query t of head h looks at keys 0..t of head h / (heads / kvHeads). Vaswani et al. 2017, section 3.2. */
    private fun attention(at: String, q: Rows, k: Rows, v: Rows, heads: Int, kvHeads: Int): Rows {
        val size = q[0].size / heads
        seen["$at.attention.query"] = q
        seen["$at.attention.key"] = k
        val out = q.map { DoubleArray(it.size) }
        val all = ArrayList<DoubleArray>()
        for (h in 0..<heads) {
            val kv = h / (heads / kvHeads)
            for (t in q.indices) {
                val scores =
                    DoubleArray(t + 1) { s -> (0..<size).sumOf { q[t][h * size + it] * k[s][kv * size + it] } / sqrt(size.toDouble()) }
                val e = scores.map { exp(it - scores.max()) }
                val p = DoubleArray(q.size) { s -> if (s <= t) e[s] / e.sum() else 0.0 }
                all += p
                for (d in 0..<size) out[t][h * size + d] = (0..t).sumOf { s -> p[s] * v[s][kv * size + d] }
            }
        }
        seen["$at.attention.probabilities"] = all
        return out
    }

    /** Elements 2j and 2j + 1 of a head are one complex number, turned by t / base^(2j / size). Su et al. 2021, section 3.2. */
    private fun turned(x: Rows, size: Int, base: Double): Rows = x.mapIndexed { t, r ->
        DoubleArray(r.size) { c ->
            val j = c % size / 2
            val angle = t / base.pow(2.0 * j / size)
            if (c % 2 == 0) r[c] * cos(angle) - r[c + 1] * sin(angle) else r[c - 1] * sin(angle) + r[c] * cos(angle)
        }
    }

    private fun layerNorm(x: DoubleArray, name: String): DoubleArray {
        val (weight, bias) = listOf("weight", "bias").map { weights.getValue("$name.$it") }
        val mean = x.average()
        val variance = x.sumOf { (it - mean) * (it - mean) } / x.size
        return DoubleArray(x.size) { (x[it] - mean) / sqrt(variance + EPSILON) * weight[it] + bias[it] }
    }

    private fun rmsNorm(x: DoubleArray, name: String): DoubleArray {
        val weight = weights.getValue("$name.weight")
        val mean = x.sumOf { it * it } / x.size
        return DoubleArray(x.size) { x[it] / sqrt(mean + EPSILON) * weight[it] }
    }

    private fun linear(x: Rows, name: String): Rows {
        val weight = weights.getValue("$name.weight")
        val bias = weights["$name.bias"]
        val inner = x[0].size
        return x.map { r ->
            DoubleArray(weight.size / inner) { o -> (0..<inner).sumOf { r[it] * weight[o * inner + it] } + (bias?.get(o) ?: 0.0) }
        }
    }

    private fun row(name: String, index: Int, width: Int) = weights.getValue(name).copyOfRange(index * width, (index + 1) * width)

    private operator fun DoubleArray.plus(other: DoubleArray) = DoubleArray(size) { this[it] + other[it] }

    private fun sum(a: Rows, b: Rows): Rows = a.zip(b) { l, r -> l + r }

    /** Hendrycks and Gimpel 2016, arXiv:1606.08415, section 2. */
    private fun geluTanh(x: Double) = 0.5 * x * (1 + tanh(sqrt(2 / PI) * (x + 0.044715 * x * x * x)))

    private companion object {
        const val EPSILON = 1e-5
    }
}
