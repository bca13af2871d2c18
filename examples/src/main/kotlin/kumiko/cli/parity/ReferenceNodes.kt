package kumiko.cli.parity

import kumiko.cli.refuse
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor

/** The tensors of a reference as nodes of a model, or of its first [part] layers. */
internal class ReferenceNodes(
    private val reference: ReferenceSet,
    private val model: String,
    order: List<String>,
    private val part: Int?,
) {
    private val places = order.withIndex().associate { (place, name) -> name to place }
    private val names = reference.sequences.indices.flatMap(reference::names).distinct()
    private val found = names.filter(::isLoaded).associateWith(::find)

    /** How many tensors of the reference belong to layers that are not loaded. */
    val leftOut: Int get() = names.size - found.size

    /** What comes after the last loaded block is not what the whole model has there. */
    private fun isLoaded(name: String): Boolean {
        if (part == null) return true
        if ((ReferenceNames.layer(name) ?: 0) >= part) return false
        return places.getOrDefault(ReferenceNames.find(name, places.keys)?.node, 0) <= places.getValue("blocks.${part - 1}")
    }

    private fun find(name: String) = ReferenceNames.find(name, places.keys) ?: refuse(
        "${reference.source}: $model has no node for the tensor \"$name\". A reference for another model, or a name that is in no table.",
    )

    /** The nodes that some tensor stands for. */
    val all: List<String> = found.values.map { it.node }.distinct()

    /** The node that the tensor [name] stands for. */
    fun node(name: String): String = found.getValue(name).node

    /** Where a node stands in the order of execution. */
    fun place(node: String): Int = places[node] ?: Int.MAX_VALUE

    /** Node to tensor name in a sequence, in order of execution. */
    fun of(sequence: Int): Map<String, String> =
        reference.names(sequence).filter(found::containsKey).sortedBy { place(node(it)) }.associateBy(::node)

    /** An element of the reference's tensor by its index. */
    fun element(tensor: Tensor): (Long) -> Double = { Elements.get(tensor.dtype(), tensor.data(), it) }

    /**
     * Where each element of the reference's tensor [name] lies in the node's value.
     *
     * @param own the shape of the node's value
     * @param order the components of a head in the order of the checkpoint's rows
     */
    fun place(name: String, tensor: Tensor, own: Shape, order: IntArray?): (Long) -> Long {
        val shape = tensor.shape().toArray().toList()
        val fits = when (found.getValue(name).layout) {
            Layout.SAME -> tensor.shape() == own
            Layout.HEADS -> shape.size == 3 && listOf(shape[1], shape[0] * shape[2]) == own.toArray().toList()
        }
        if (!fits) {
            refuse("${reference.source}: \"$name\" is ${tensor.shape()}, but $model computes ${node(name)} $own; is it another model?")
        }
        if (found.getValue(name).layout == Layout.SAME) return { it }
        val (heads, rows, size) = shape
        return { index ->
            val (head, row, component) = Triple(index / (rows * size), index / size % rows, index % size)
            row * heads * size + head * size + (order?.get(component.toInt()) ?: component.toInt())
        }
    }
}
