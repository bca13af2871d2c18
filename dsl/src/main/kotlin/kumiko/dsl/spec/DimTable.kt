package kumiko.dsl.spec

import kotlinx.serialization.KSerializer
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.PrimitiveSerialDescriptor
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.encoding.Decoder
import kotlinx.serialization.encoding.Encoder

/**
 * The named dims of one model, definitions before uses. A spec file writes them once, at its top, and an expression over their names
 * wherever one is used; so a changed size reaches every place that is computed from it.
 *
 * @property plain whether dims are written as bare numbers, without names
 */
internal class DimTable(val plain: Boolean = false) {
    private val byName = LinkedHashMap<String, Dim.Named>()

    val named: Collection<Dim.Named> get() = byName.values

    /** Takes up every name in [dim]; two dims of one name must be equal. */
    fun add(dim: Dim) {
        when (dim) {
            is Dim.Number -> Unit

            is Dim.Computed -> {
                add(dim.left)
                add(dim.right)
            }

            is Dim.Swiglu -> add(dim.embed)

            is Dim.Named -> {
                add(dim.definition)
                val known = byName.getOrPut(dim.name) { dim }
                if (known != dim) throw SpecException("two dimensions are called ${dim.name}: ${describe(known)} and ${describe(dim)}")
            }
        }
    }

    /** Adds [name] with the size that [expression] has over the names known so far. */
    fun define(name: String, expression: String) = add(Dim.of(name, parse(expression)))

    fun parse(expression: String): Dim = parseExpression(expression, DimAlgebra(byName)).dim()

    private fun describe(dim: Dim.Named) = if (dim.definition is Dim.Number) "${dim.size}" else "${dim.definition.text} = ${dim.size}"
}

/** Sizes and, as arguments of a function, real numbers. */
private sealed interface Term {
    fun dim(): Dim

    data class Size(val value: Dim) : Term {
        override fun dim() = value
    }

    data class Real(val value: Double) : Term {
        override fun dim(): Dim {
            if (value != Math.rint(value) ||
                value > Int.MAX_VALUE
            ) {
                throw SpecException("a dimension is a whole number below 2^31, not $value")
            }
            return Dim.of(value.toInt())
        }
    }
}

private class DimAlgebra(private val known: Map<String, Dim.Named>) : Algebra<Term> {
    override fun number(value: Double) = Term.Real(value)

    override fun name(name: String): Term =
        Term.Size(known[name] ?: throw SpecException("unknown dimension '$name'" + knownNames(name, known.keys)))

    override fun combine(symbol: Char, left: Term, right: Term): Term {
        val operator = Dim.Operator.entries.first { it.symbol == "$symbol" }
        return Term.Size(Dim.Computed(operator, left.dim(), right.dim()))
    }

    override fun call(function: String, arguments: List<Term>): Term {
        val (_, multiplier, multipleOf) = arguments.takeIf { function == Dim.SWIGLU && it.size == 3 }
            ?: throw SpecException(
                "unknown function '$function' of ${arguments.size} in a dimension; known is ${Dim.SWIGLU}(embed, multiplier, multipleOf)",
            )
        if (multiplier !is Term.Real) throw SpecException("the multiplier of ${Dim.SWIGLU} is a number")
        return Term.Size(swigluHidden(arguments[0].dim(), multiplier.value, multipleOf.dim().size))
    }
}

/** Writes a dim's expression; reads it over the names of the [DimTable] that the format carries. */
internal object DimSerializer : KSerializer<Dim> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("Dim", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: Dim) {
        val table = table(encoder.serializersModule)
        if (table?.plain == true) return encoder.encodeString("${value.size}")
        table?.add(value)
        encoder.encodeString(value.text)
    }

    override fun deserialize(decoder: Decoder): Dim = (table(decoder.serializersModule) ?: DimTable()).parse(decoder.decodeString())

    private fun table(module: kotlinx.serialization.modules.SerializersModule): DimTable? =
        (module.getContextual(DimTable::class) as? DimTableCarrier)?.table
}

/** Carries the table of one model through kotlinx.serialization, which hands its module to every serializer. */
internal class DimTableCarrier(val table: DimTable) : KSerializer<DimTable> {
    override val descriptor: SerialDescriptor = PrimitiveSerialDescriptor("DimTable", PrimitiveKind.STRING)

    override fun serialize(encoder: Encoder, value: DimTable) = error("a table is carried, never written")

    override fun deserialize(decoder: Decoder): DimTable = error("a table is carried, never read")
}
