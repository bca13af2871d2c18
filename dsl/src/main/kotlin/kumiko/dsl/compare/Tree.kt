package kumiko.dsl.compare

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.jsonPrimitive

/**
 * A spec in the form in which two are compared: the same for specs that differ in names only. A size that follows from another is
 * written as that relation (`embed`, `4 * embed`, `embed / heads`), so that a wider model is one change and not one at every layer.
 *
 * @property sizes `embed`, the width of the residual stream, and `vocab`, as far as the model has them
 * @property parts what is outside the blocks, by its name in a spec; a part that a model does not have is empty
 */
internal data class Tree(val sizes: Map<String, Int>, val positions: JsonElement, val rows: List<Row>, val parts: Map<String, Chain>) {
    /** All layers, those inside others too. */
    val everyItem: List<Item> get() = (rows.flatMap { it.cycle } + parts.values).flatMap { it.everyItem() }

    companion object {
        const val EMBEDDING = "embedding"

        /** The parts of a spec that stand before the blocks, and those that stand behind them. */
        val BEFORE = listOf("prefix", EMBEDDING)
        val BEHIND = listOf("head")
    }
}

/** [count] blocks that repeat [cycle]. */
internal data class Row(val count: Int, val cycle: List<Chain>)

/** Layers one behind the other. Equal whatever it is called. */
@Serializable
internal class Chain(val items: List<Item>, val name: String? = null) {
    /** The only layer that is not a norm, which says what the chain is for. */
    val core: Item? get() = items.filter { it.family != Family.NORM }.let { if (it.isEmpty()) items.lastOrNull() else it.singleOrNull() }

    /** What it is called without a name of its own: after its core. */
    val label: String?
        get() = core?.let { core ->
            when (core.family) {
                Family.ATTENTION -> "attention"
                Family.FFN -> "ffn"
                Family.NORM -> "norm"
                Family.WIRING, Family.BRANCHES -> null
                Family.OUTPUT -> "linear"
                else -> core.kind.takeIf { it != KindForm.PATH }
            }
        }

    override fun equals(other: Any?): Boolean = other is Chain && items == other.items

    override fun hashCode(): Int = items.hashCode()

    override fun toString(): String = items.toString()
}

/**
 * One layer.
 *
 * @property fields what is written in it, sizes as relations; neither layers inside nor absent values
 * @property slots the layers inside, by field; the only list of a kind is called [LIST]
 */
@Serializable
internal data class Item(
    val kind: String,
    val fields: Map<String, JsonElement>,
    val slots: Map<String, List<Chain>> = emptyMap(),
) {
    val family: Family get() = Family.of(kind)

    fun text(field: String): String? = (fields[field] as? JsonPrimitive)?.contentOrNull

    companion object {
        const val LIST = "*"
    }
}

/** Kinds that stand for one another: a norm may become another norm. */
internal enum class Family(private vararg val kinds: String) {
    NORM("layer-norm", "rms-norm"),
    ATTENTION("attention"),
    FFN("mlp", "gated-mlp"),
    WIRING("sequential-residual", "parallel-residual", "glm-residual", "post-norm", "scaled-residual", "gated-residual"),
    OUTPUT("linear", "tied-to-tokens"),
    BRANCHES("sum", "product"),
    TOKENS("tokens"),
    POSITIONS("learned-positions"),
    PREFIX("prefix-rows"),
    OTHER,
    ;

    companion object {
        private val byKind = entries.flatMap { family -> family.kinds.map { it to family } }.toMap()

        fun of(kind: String): Family = byKind[kind] ?: OTHER
    }
}

internal fun JsonElement.text(): String = jsonPrimitive.content
