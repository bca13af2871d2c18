@file:JvmName("Resizing")

package kumiko.dsl.spec

/** This model with other sizes; what is computed from them follows: `gpt2.withDims("embed" to 64, "heads" to 4)`. */
public fun ModelSpec.withDims(vararg sizes: Pair<String, Int>): ModelSpec {
    val table = DimTable()
    val body = SpecJson.body(this, table)
    sizes.forEach { (dim, _) -> dim(dim) }
    val chosen = sizes.toMap()
    return SpecJson.decode(body, table.named.associate { it.name to (chosen[it.name]?.toString() ?: it.definition.text) })
}

/**
 * This model with [layers] blocks: rows of blocks are cut at the end, or the last row is made longer. Numbers that were written for a
 * count of layers stay as they were written.
 */
public fun ModelSpec.withLayers(layers: Int): ModelSpec {
    var left = layers
    val rows = blocks.mapIndexedNotNull { index, row ->
        val count = if (index == blocks.lastIndex) left else minOf(row.count, left)
        left -= count
        if (count > 0) row.copy(count = count) else null
    }
    return copy(blocks = rows)
}

/** A small copy: fewer layers, smaller dims, same structure. */
public fun ModelSpec.shrunk(layers: Int, vararg sizes: Pair<String, Int>): ModelSpec = withDims(*sizes).withLayers(layers)
