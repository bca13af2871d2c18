package kumiko.cli.parity

/** How a reference lays out the values of a node `[T, heads*headDim]`. */
internal enum class Layout {
    /** As the node does. */
    SAME,

    /** `[heads, T, headDim]`, each head's components in the order of the checkpoint's rows. */
    HEADS,
}

/** A tensor's name in a reference and the nodes it may be, the first that a graph has. `{n}` is a layer. */
internal data class ReferenceName(val reference: String, val nodes: List<String>, val layout: Layout)

/** What the tensors of a reference are called in a graph. */
internal object ReferenceNames {
    private val table = listOf(
        ReferenceName("hidden.embed", listOf("embedding"), Layout.SAME),
        ReferenceName("hidden.{n}", listOf("blocks.{n}"), Layout.SAME),
        ReferenceName("layer{n}.q", turned("query"), Layout.HEADS),
        ReferenceName("layer{n}.k", turned("key"), Layout.HEADS),
        ReferenceName("layer{n}.attn_probs", listOf("blocks.{n}.attention.probabilities"), Layout.SAME),
        ReferenceName("layer{n}.attn_out", listOf("blocks.{n}.attention.out"), Layout.SAME),
        ReferenceName("layer{n}.mlp_out", listOf("blocks.{n}.ffn.down"), Layout.SAME),
        ReferenceName("final_norm", listOf("head.norm"), Layout.SAME),
        ReferenceName("logits", listOf("logits"), Layout.SAME),
    )

    /** After rotary embedding and norm, where a model has them. */
    private fun turned(name: String) = listOf("$name.rotary", "$name.norm", name).map { "blocks.{n}.attention.$it" }

    /** A tensor of a reference found in a graph. */
    data class Found(val node: String, val layout: Layout)

    /** The node of [name] in a graph with these [nodes], or null. A trace calls its tensors by the nodes' own names. */
    fun find(name: String, nodes: Set<String>): Found? {
        for (entry in table) {
            val layer = layer(entry.reference, name) ?: continue
            return entry.nodes.map { it.replace(LAYER, layer) }.firstOrNull { it in nodes }?.let { Found(it, entry.layout) }
        }
        return Found(name, Layout.SAME).takeIf { name in nodes }
    }

    /** The layer that a tensor of a reference belongs to; null outside the blocks. */
    fun layer(name: String): Int? = BLOCK.matchEntire(name)?.groupValues?.get(1)?.toIntOrNull()
        ?: table.firstNotNullOfOrNull { layer(it.reference, name)?.toIntOrNull() }

    /** What `{n}` stands for when [template] is [name]; empty where the template has none. */
    private fun layer(template: String, name: String): String? {
        val (before, after) = if (LAYER in template) template.split(LAYER) else return "".takeIf { template == name }
        if (name.length <= before.length + after.length || !name.startsWith(before) || !name.endsWith(after)) return null
        return name.substring(before.length, name.length - after.length).takeIf { it.all(Char::isDigit) }
    }

    private const val LAYER = "{n}"
    private val BLOCK = Regex("""blocks\.(\d+)(?:\..*)?""")
}
