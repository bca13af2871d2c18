package kumiko.dsl.compare

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonElement
import kumiko.runtime.tensor.DType

/**
 * One change that a reader would name as one, however many layers it touches: "norm: LayerNorm eps 1e-5 -> RMSNorm eps 1e-6".
 *
 * @property where which layers change, where it is not all of them
 * @property steps what [apply] does, exactly
 * @property effect what it changes in the account; the effects of all edits of a diff add up to the difference of the accounts
 */
@Serializable
public data class Edit(
    public val subject: String,
    public val from: String,
    public val to: String,
    public val kind: Kind,
    public val where: List<String>,
    public val effect: Effect,
    public val steps: List<Step>,
) {
    /** Whether a model is put together otherwise, or of the same pieces in another size. */
    @Serializable
    public enum class Kind {
        @SerialName("structure")
        STRUCTURE,

        @SerialName("size")
        SIZE,
    }

    override fun toString(): String = "$subject: $from -> $to" + if (where.isEmpty()) "" else " (${where.joinToString(", ")})"
}

/**
 * By how much an edit changes a model, measured in the order in which edits are applied: structure before sizes, as far as each
 * result is a model.
 *
 * @property flops of a prompt of [PROMPT] tokens
 * @property cacheBytesPerToken at two bytes a number
 * @property together an edit that is a model only with others shares their effect: it is counted at the first of them and zero here
 */
@Serializable
public data class Effect(
    public val parameters: Long,
    public val flops: Long,
    public val cacheBytesPerToken: Long,
    public val together: Boolean = false,
) {
    internal operator fun minus(other: Effect) =
        Effect(parameters - other.parameters, flops - other.flops, cacheBytesPerToken - other.cacheBytesPerToken)

    public companion object {
        /** How many tokens [flops] is counted for. */
        public const val PROMPT: Long = 128

        internal val NONE = Effect(0, 0, 0)

        /** The account that edits are measured by. */
        public fun of(account: Account): Effect =
            Effect(account.parameters, account.flops(PROMPT, 0), account.cacheBytesPerToken(DType.F16))
    }
}

/**
 * A change at one place. Places are those of the model that is changed, whatever else changes in it, so any choice of steps can be
 * applied at once: `embedding`, `head`, `prefix`, `blocks.0.0` (the first block of the first row's cycle), and below them the index of a layer,
 * or the field and index of a path.
 */
@Serializable
public sealed interface Step {
    public val place: String

    /** Fields of the layer at [place] change their values; an absent one appears or goes. */
    @Serializable
    @SerialName("set")
    public data class Put(
        override val place: String,
        public val from: Map<String, JsonElement>,
        public val to: Map<String, JsonElement>,
    ) : Step

    /** A layer, or a path of layers, comes into the list at [place], before its element [index]; [order] tells apart those at one index. */
    @Serializable
    @SerialName("insert")
    public data class Insert(override val place: String, public val index: Int, public val order: Int, public val what: JsonElement) : Step

    /** Element [index] of the list at [place] goes; it is [what]. */
    @Serializable
    @SerialName("remove")
    public data class Remove(override val place: String, public val index: Int, public val what: JsonElement) : Step

    /** The list of blocks at [place] is repeated or cut to [to] elements. */
    @Serializable
    @SerialName("resize")
    public data class Resize(override val place: String, public val from: Int, public val to: Int) : Step
}
