@file:JvmName("LayerExprs")

package kumiko.dsl.spec

import kotlinx.serialization.KSerializer
import kotlinx.serialization.Serializable
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder
import kotlin.math.sqrt

/**
 * A number that may depend on the layer: `layer` counts from 0, `count` is the number of layers. A value, so it prints, compares and
 * serialises: `layer + 1`, `sqrt(2 * count)`.
 */
@Serializable(with = LayerExprSerializer::class)
public sealed class LayerExpr {
    /** The value in layer [layer] of [count]. */
    public abstract fun at(layer: Int, count: Int): Double

    public operator fun plus(other: Number): LayerExpr = combine('+', this, Constant(other.toDouble()))

    public operator fun minus(other: Number): LayerExpr = combine('-', this, Constant(other.toDouble()))

    public operator fun times(other: Number): LayerExpr = combine('*', this, Constant(other.toDouble()))

    public operator fun div(other: Number): LayerExpr = combine('/', this, Constant(other.toDouble()))

    /** The same in every layer. */
    public data class Constant(val value: Double) : LayerExpr() {
        init {
            if (!value.isFinite()) throw SpecException("a number of a spec is finite, not $value")
        }

        override fun at(layer: Int, count: Int): Double = value

        override fun toString(): String = if (value < 0) "(0 - ${number(-value)})" else number(value)
    }

    /** The number of the layer, from 0. */
    public data object Layer : LayerExpr() {
        override fun at(layer: Int, count: Int): Double = layer.toDouble()

        override fun toString(): String = "layer"
    }

    /** How many layers the model has. */
    public data object Count : LayerExpr() {
        override fun at(layer: Int, count: Int): Double = count.toDouble()

        override fun toString(): String = "count"
    }

    /** [symbol] is one of `+ - * /`. */
    public data class Operation(val symbol: Char, val left: LayerExpr, val right: LayerExpr) : LayerExpr() {
        override fun at(layer: Int, count: Int): Double = apply(symbol, left.at(layer, count), right.at(layer, count))

        override fun toString(): String = "${inner(left, false)} $symbol ${inner(right, true)}"

        private fun inner(operand: LayerExpr, right: Boolean): String {
            val loose = operand is Operation && (right || (symbol in "*/" && operand.symbol in "+-"))
            return if (loose) "($operand)" else "$operand"
        }
    }

    /** The square root. */
    public data class Root(val of: LayerExpr) : LayerExpr() {
        override fun at(layer: Int, count: Int): Double = sqrt(of.at(layer, count))

        override fun toString(): String = "sqrt($of)"
    }

    public companion object {
        /** Numbers are combined at once, so that `2 * 28` and `56` are one value. */
        internal fun combine(symbol: Char, left: LayerExpr, right: LayerExpr): LayerExpr =
            if (left is Constant && right is Constant) Constant(apply(symbol, left.value, right.value)) else Operation(symbol, left, right)

        internal fun root(of: LayerExpr): LayerExpr = if (of is Constant) Constant(sqrt(of.value)) else Root(of)

        private fun apply(symbol: Char, a: Double, b: Double): Double = when (symbol) {
            '+' -> a + b
            '-' -> a - b
            '*' -> a * b
            else -> a / b
        }

        /** The same number in every layer. */
        @JvmStatic
        public fun of(value: Double): LayerExpr = Constant(value)

        /** Reads what [toString] prints. */
        @JvmStatic
        public fun parse(text: String): LayerExpr = parseExpression(text, LayerAlgebra)
    }
}

public operator fun Number.times(expr: LayerExpr): LayerExpr = LayerExpr.combine('*', LayerExpr.Constant(toDouble()), expr)

public operator fun Number.plus(expr: LayerExpr): LayerExpr = LayerExpr.combine('+', LayerExpr.Constant(toDouble()), expr)

/** The square root of a number that depends on the layer. */
public fun sqrt(expr: LayerExpr): LayerExpr = LayerExpr.root(expr)

private object LayerAlgebra : Algebra<LayerExpr> {
    override fun number(value: Double) = LayerExpr.Constant(value)

    override fun name(name: String) = when (name) {
        "layer" -> LayerExpr.Layer
        "count" -> LayerExpr.Count
        else -> throw SpecException("unknown name '$name' in an expression over layers; known are layer and count")
    }

    override fun combine(symbol: Char, left: LayerExpr, right: LayerExpr) = LayerExpr.combine(symbol, left, right)

    override fun call(function: String, arguments: List<LayerExpr>): LayerExpr {
        if (function != "sqrt" || arguments.size != 1) throw SpecException("unknown function '$function' in an expression over layers")
        return LayerExpr.root(arguments.single())
    }
}

internal object LayerExprSerializer : KSerializer<LayerExpr> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("LayerExpr", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: LayerExpr) = encoder.encodeString(value.toString())

    override fun deserialize(decoder: Decoder): LayerExpr = LayerExpr.parse(decoder.decodeString())
}
