package kumiko.dsl.compare

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.descriptors.PolymorphicKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.descriptors.elementNames
import kumiko.dsl.spec.Kinds

/** Which fields of a kind of layer hold layers, and which hold sizes; read off its serial form, so it holds for kinds of any author. */
@OptIn(ExperimentalSerializationApi::class)
internal class KindForm private constructor(descriptor: SerialDescriptor) {
    /** How a field holds layers. */
    enum class Holds { PATH, LAYER, PATHS, LAYERS }

    private val elements = descriptor.elementNames.zip((0..<descriptor.elementsCount).map { descriptor.getElementDescriptor(it) })

    /** Fields that hold layers. */
    val layers: Map<String, Holds> = elements.mapNotNull { (name, element) -> holds(element)?.let { name to it } }.toMap()

    /** Fields that are a size. */
    val sizes: Set<String> = elements.filter { it.second.bare == "Dim" }.map { it.first }.toSet()

    private val list = layers.filterValues { it == Holds.PATHS || it == Holds.LAYERS }.keys.singleOrNull()

    /** What the layers of [field] are called in an [Item]; kinds with one list each can so become one another. */
    fun slot(field: String): String = if (field == list) Item.LIST else field

    private fun holds(element: SerialDescriptor): Holds? = when {
        element.bare == PATH -> Holds.PATH

        element.kind == PolymorphicKind.OPEN -> Holds.LAYER

        element.kind == StructureKind.LIST -> when (holds(element.getElementDescriptor(0))) {
            Holds.PATH -> Holds.PATHS
            Holds.LAYER -> Holds.LAYERS
            else -> null
        }

        else -> null
    }

    private val SerialDescriptor.bare get() = serialName.removeSuffix("?")

    companion object {
        const val PATH = "path"

        fun of(kind: String): KindForm = KindForm(Kinds.descriptor(kind) ?: error("the kind $kind was read, so it is known"))
    }
}
