@file:JvmName("Paths")

package kumiko.dsl.spec

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kumiko.runtime.graph.Node

/**
 * Layers one after another. A path is named after its core, the one layer in it that is not a norm; the core's weights stand directly
 * in that name, the others in their own: `attention.query.weight`, `attention.norm.weight`. A norm behind the core is `postNorm`.
 *
 * @property name given by [named]; null takes the core's
 */
@Serializable
@SerialName("path")
public data class Path(public val layers: List<Layer>, public val name: String? = null) : Layer {
    init {
        if (layers.isEmpty()) throw SpecException("a path has at least one layer")
        if (name != null && !Regex("[A-Za-z][A-Za-z0-9]*(\\.[A-Za-z][A-Za-z0-9]*)*").matches(name)) {
            throw SpecException("'$name' is no name for a path: letters and digits, beginning with a letter")
        }
    }

    override val label: String? get() = name ?: core?.label

    /** The layer a path is named after: the only one that is not a norm, or the last where all are norms. */
    internal val core: Layer?
        get() = layers.filter { it !is Norm }.let { if (it.isEmpty()) layers.last() else it.singleOrNull() }

    override fun width(input: Width, at: Check): Width = at.inside(this, input)

    override fun lower(x: Node, at: Lowering): Node = at.inside(this, x)

    /** The address of every layer of this path, which itself stands at [address]; [merged] if the core stands directly in it. */
    internal fun addresses(address: String, merged: Boolean): List<String> {
        val core = if (merged) layers.indexOfFirst { it === core } else -1
        return layers.mapIndexed { index, layer ->
            when {
                index == core || layer.label == null -> address
                core in 0..<index -> join(address, "post" + layer.label!!.replaceFirstChar { it.uppercase() })
                else -> join(address, layer.label!!)
            }
        }
    }
}

/** The address of [label] inside [address]; no label, or an empty one, is the address itself. */
internal fun join(address: String, label: String?): String = when {
    label.isNullOrEmpty() -> address
    address.isEmpty() -> label
    else -> "$address.$label"
}

internal fun Layer.asPath(): Path = this as? Path ?: Path(listOf(this))

internal fun Layer.links(): List<Layer> = if (this is Path && name == null) layers else listOf(this)

/** [next] behind this layer: `norm then attention(...)`. */
public infix fun Layer.then(next: Layer): Path = Path(links() + next.links())

/** This layer under a name of its own; needed where two alike stand in one block. */
public fun Layer.named(name: String): Path = asPath().copy(name = name)
