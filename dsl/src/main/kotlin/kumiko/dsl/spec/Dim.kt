@file:JvmName("Dims")

package kumiko.dsl.spec

import kotlinx.serialization.Serializable

/**
 * A size that remembers what it is called and how it was computed. Equal by content; prints as `embed(768)`, and computed ones as
 * `heads(12)*headDim(64)`.
 *
 * Arithmetic is exact: a division with a remainder, a result below one and an overflow are refused with [SpecException].
 */
@Serializable(with = DimSerializer::class)
public sealed class Dim {
    public abstract val size: Int

    /** The expression over dim names, as a spec file writes it: `heads * headDim`. */
    public abstract val text: String

    internal open val tight: Boolean get() = true

    public operator fun plus(other: Dim): Dim = Computed(Operator.PLUS, this, other)

    public operator fun plus(other: Int): Dim = this + Number(other)

    public operator fun minus(other: Dim): Dim = Computed(Operator.MINUS, this, other)

    public operator fun minus(other: Int): Dim = this - Number(other)

    public operator fun times(other: Dim): Dim = Computed(Operator.TIMES, this, other)

    public operator fun times(other: Int): Dim = this * Number(other)

    public operator fun div(other: Dim): Dim = Computed(Operator.DIVIDE, this, other)

    public operator fun div(other: Int): Dim = this / Number(other)

    /** With the size behind a computed one: `heads(32)*headDim(96) = 3072`. */
    public fun shown(): String = if (this is Named || this is Number) "$this" else "$this = $size"

    /** A size with a name. [definition] is what it was set to. */
    public data class Named(public val name: String, public val definition: Dim) : Dim() {
        init {
            if (!NAME.matches(name)) throw SpecException("'$name' is no name for a dimension: letters and digits")
        }

        override val size: Int get() = definition.size
        override val text: String get() = name

        override fun toString(): String = "$name($size)"
    }

    /** A plain number. */
    public data class Number(override val size: Int) : Dim() {
        init {
            if (size < 1) throw SpecException("a dimension is at least 1, not $size")
        }

        override val text: String get() = "$size"

        override fun toString(): String = "$size"
    }

    /** The result of arithmetic. */
    public data class Computed(val operator: Operator, val left: Dim, val right: Dim) : Dim() {
        override val size: Int = operator.apply(left, right)
        override val text: String get() = operator.text(left.text, left, right.text, right, " ")
        override val tight: Boolean get() = operator.tight

        override fun toString(): String = operator.text("$left", left, "$right", right, if (operator.tight) "" else " ")
    }

    /** Meta's width of a gated feed-forward layer, see [swigluHidden]. */
    public data class Swiglu(val embed: Dim, val multiplier: Double, val multipleOf: Int) : Dim() {
        override val size: Int = swigluSize(embed.size, multiplier, multipleOf)
        override val text: String get() = "$SWIGLU(${embed.text}, ${number(multiplier)}, $multipleOf)"

        override fun toString(): String = "$SWIGLU($embed, ${number(multiplier)}, $multipleOf)"
    }

    /** The four operations. */
    public enum class Operator(internal val symbol: String, internal val tight: Boolean) {
        PLUS("+", false),
        MINUS("-", false),
        TIMES("*", true),
        DIVIDE("/", true),
        ;

        internal fun apply(left: Dim, right: Dim): Int {
            val (a, b) = left.size.toLong() to right.size.toLong()
            if (this == DIVIDE && a % b != 0L) throw SpecException("dim $left does not divide evenly by $right: remainder ${a % b}")
            val result = when (this) {
                PLUS -> a + b
                MINUS -> a - b
                TIMES -> a * b
                DIVIDE -> a / b
            }
            if (result !in 1..Int.MAX_VALUE) throw SpecException("dim $left $symbol $right is $result, outside 1..${Int.MAX_VALUE}")
            return result.toInt()
        }

        internal fun text(a: String, left: Dim, b: String, right: Dim, space: String): String {
            val leftText = if (tight && !left.tight) "($a)" else a
            val rightText = if (right is Computed && (tight || !right.tight)) "($b)" else b
            return leftText + space + symbol + space + rightText
        }
    }

    public companion object {
        internal const val SWIGLU = "swigluHidden"

        private val NAME = Regex("[A-Za-z][A-Za-z0-9]*")

        /** A plain number. */
        @JvmStatic
        public fun of(size: Int): Dim = Number(size)

        /** A named size; `val embed by dim(768)` is the way to write it in Kotlin. */
        @JvmStatic
        public fun of(name: String, size: Int): Dim = of(name, Number(size))

        /** A named size that is computed from others. */
        @JvmStatic
        public fun of(name: String, definition: Dim): Dim = Named(name, definition)
    }
}

public operator fun Int.times(dim: Dim): Dim = Dim.of(this) * dim

/**
 * The hidden width of LLaMA's gated feed-forward: `int(multiplier * int(2 * 4 * embed / 3))` rounded up to a multiple of [multipleOf].
 * meta-llama/llama3, llama/model.py, class FeedForward. Releases without `ffn_dim_multiplier` have [multiplier] 1.
 */
public fun swigluHidden(embed: Dim, multiplier: Double, multipleOf: Int): Dim = Dim.Swiglu(embed, multiplier, multipleOf)

private fun swigluSize(embed: Int, multiplier: Double, multipleOf: Int): Int {
    if (multipleOf < 1) throw SpecException("swigluHidden rounds up to a multiple of $multipleOf, which is below 1")
    val scaled = (multiplier * (2L * 4 * embed / 3)).toLong()
    val size = (scaled + multipleOf - 1) / multipleOf * multipleOf
    if (size !in 1..Int.MAX_VALUE) throw SpecException("swigluHidden of $embed is $size, outside 1..${Int.MAX_VALUE}")
    return size.toInt()
}

/** Whole numbers without `.0`, so that expressions read as they were written. */
internal fun number(value: Double): String =
    if (value == Math.rint(value) && Math.abs(value) < 1e15) value.toLong().toString() else value.toString()
