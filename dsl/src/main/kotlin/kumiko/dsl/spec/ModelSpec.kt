package kumiko.dsl.spec

import kotlinx.serialization.Serializable

/**
 * A model as a value: equal by content, changed by `copy`, the same from Kotlin, Java and a spec file. A spec that exists fits: the
 * constructor refuses anything else with [SpecException], all problems at once.
 *
 * @property embedding from token ids to the rows the first block reads
 * @property blocks rows of blocks, one behind the other
 * @property head from the last block's rows to the logits
 * @property prefix rows `[length, columns]` that stand in front of every sequence, seen by all of its rows: every attention takes the next
 *     `kvHeads*headDim` columns as keys and as many as values (prefix tuning); null where there are none
 */
@Serializable
public data class ModelSpec @JvmOverloads constructor(
    public val name: String,
    public val positions: PositionIds,
    public val embedding: Layer,
    public val blocks: List<Blocks>,
    public val head: Layer,
    public val prefix: Layer? = null,
) {
    init {
        val count = blocks.sumOf { it.count.toLong() }
        if (count !in 1..MAX_LAYERS) throw SpecException("$name: a model has 1 to $MAX_LAYERS blocks, not $count")
        val problems = Check.problems(this)
        if (problems.isNotEmpty()) throw SpecException.of(name, problems)
    }

    /** How many blocks the model has. */
    public val layers: Int get() = blocks.sumOf { it.count }

    /** The token table, if the embedding has one. */
    public val tokens: Tokens? get() = embedding.layersInside().filterIsInstance<Tokens>().firstOrNull()

    /** The block of one layer. */
    public fun block(layer: Int): Layer {
        var index = layer
        for (row in blocks) {
            if (index < row.count) return row[index]
            index -= row.count
        }
        throw IndexOutOfBoundsException("layer $layer of $layers")
    }

    /** Every different block once, as `blocks` where all are alike, else under the number of the first layer that has it. */
    internal fun distinctBlocks(): List<Pair<String, Layer>> {
        val first = firstLayers()
        return first.map { (block, layer) -> (if (first.size == 1) "blocks" else "blocks.$layer") to block }
    }

    /** Every different block with the number of the first layer that has it, in their order. */
    internal fun firstLayers(): Map<Layer, Int> {
        val first = LinkedHashMap<Layer, Int>()
        var start = 0
        for (row in blocks) {
            row.cycle.take(row.count).forEachIndexed { index, block -> first.putIfAbsent(block, start + index) }
            start += row.count
        }
        return first
    }

    /** Reads as its spec file. */
    override fun toString(): String = toJson()

    public companion object {
        /** Reads what [toJson] writes; anything else is refused by name. */
        @JvmStatic
        public fun fromJson(text: String): ModelSpec = SpecJson.read(text)
    }
}
