package kumiko.dsl.spec

import kotlinx.serialization.KSerializer
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.modules.SerializersModule
import kotlinx.serialization.modules.polymorphic
import kotlinx.serialization.serializer
import java.util.concurrent.ConcurrentHashMap
import kotlin.reflect.KClass

/** The kinds of layer that spec files know, by serial name. */
public object Kinds {
    private val serializers = ConcurrentHashMap<KClass<out Layer>, KSerializer<out Layer>>()

    init {
        listOf(register<Path>(), register<Sum>(), register<Product>(), register<Linear>(), register<Activate>())
        listOf(register<Tokens>(), register<LearnedPositions>(), register<TiedToTokens>(), register<LayerNorm>(), register<RmsNorm>())
        listOf(register<Attention>(), register<Mlp>(), register<GatedMlp>(), register<SequentialResidual>(), register<ParallelResidual>())
        listOf(register<GlmResidual>(), register<PostNorm>(), register<ScaledResidual>(), register<GatedResidual>(), register<PrefixRows>())
    }

    /** Makes a kind of layer known to spec files. */
    public inline fun <reified T : Layer> register(): Unit = register(T::class, serializer<T>())

    public fun <T : Layer> register(kind: KClass<T>, serializer: KSerializer<T>) {
        val name = serializer.descriptor.serialName
        val other = serializers.entries.firstOrNull { it.key != kind && it.value.descriptor.serialName == name }
        if (other !=
            null
        ) {
            throw SpecException("two kinds of layer are called '$name': ${other.key} and $kind; give one another @SerialName")
        }
        serializers[kind] = serializer
    }

    /** The serial names of all kinds. */
    public val names: List<String> get() = serializers.values.map { it.descriptor.serialName }.sorted()

    /** What the layers of one kind are written as; null for an unknown kind. */
    internal fun descriptor(kind: String): SerialDescriptor? =
        serializers.values.firstOrNull { it.descriptor.serialName == kind }?.descriptor

    internal fun module(table: DimTable): SerializersModule = SerializersModule {
        contextual(DimTable::class, DimTableCarrier(table))
        listOf(Layer::class, Norm::class, Topology::class).forEach { base -> family(base) }
    }

    private fun <B : Layer> kotlinx.serialization.modules.SerializersModuleBuilder.family(base: KClass<B>) = polymorphic(base) {
        serializers.filterKeys { base.java.isAssignableFrom(it.java) }.forEach { (kind, serializer) ->
            @Suppress("UNCHECKED_CAST")
            subclass(kind as KClass<B>, serializer as KSerializer<B>)
        }
        defaultDeserializer { kind -> throw unknown(kind) }
    }

    private fun unknown(kind: String?) = SpecException(
        if (kind ==
            null
        ) {
            "a layer has no \"kind\""
        } else {
            "unknown kind of layer '$kind'" + knownNames(kind, names) +
                " (a kind of your own is made known with Kinds.register)"
        },
    )
}
