@file:JvmName("Cycles")

package kumiko.dsl.spec

import kotlinx.serialization.Serializable

/** [count] blocks in a row; block j is `cycle[j % cycle.size]`. Blocks that are all alike are a cycle of one. */
@Serializable
public data class Blocks(public val count: Int, public val cycle: List<Layer>) {
    init {
        if (count !in 1..MAX_LAYERS) throw SpecException("a row of blocks has 1 to $MAX_LAYERS blocks, not $count")
        if (cycle.isEmpty()) throw SpecException("a row of blocks repeats at least one block")
    }

    public operator fun get(index: Int): Layer = cycle[index % cycle.size]
}

/** A cycle in which every [n]th block is [special]: `every(4, full, otherwise = windowed)`. */
public fun every(n: Int, special: Layer, otherwise: Layer): List<Layer> = List(n) { if (it == n - 1) special else otherwise }

/** More blocks than any model has; a file that asks for more is refused before they are counted out. */
internal const val MAX_LAYERS = 10_000
