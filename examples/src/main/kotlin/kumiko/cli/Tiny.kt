package kumiko.cli

import kumiko.dsl.spec.BlockPositions
import kumiko.dsl.spec.Dim
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.dims
import kumiko.dsl.spec.shrunk

/** A copy small enough to try everything with: the same structure, every block of a cycle, the sizes of [TINY] at most. */
internal fun ModelSpec.tiny(): ModelSpec {
    val given = dims().filter { it.definition is Dim.Number }.associate { it.name to it.size }
    val sizes = given.mapValues { (name, size) -> minOf(size, TINY[name] ?: OTHER) }.toMutableMap()
    // Grouped heads stay grouped.
    val heads = sizes["heads"]
    val kvHeads = given["kvHeads"]
    if (heads != null && kvHeads != null) sizes["kvHeads"] = maxOf(1, heads * kvHeads / given.getValue("heads"))
    return try {
        val small = withTokensBelow(sizes["vocab"]).shrunk(maxOf(2, blocks.maxOf { it.cycle.size }), *sizes.toList().toTypedArray())
        small.copy(name = "$name-tiny")
    } catch (e: SpecException) {
        refuse("$name has no tiny copy that fits; write one with smaller sizes as a spec file. ${e.message}")
    }
}

private val TINY = mapOf("vocab" to 256, "context" to 64, "embed" to 64, "heads" to 4, "hidden" to 160, "headDim" to 16)

private const val OTHER = 16

/** Positions that depend on special tokens find them at the end of a smaller vocabulary. */
private fun ModelSpec.withTokensBelow(vocab: Int?): ModelSpec = when (val ids = positions) {
    is BlockPositions if vocab != null && maxOf(ids.blank, ids.generation, ids.start) >= vocab ->
        copy(positions = BlockPositions(blank = vocab - 3, generation = vocab - 2, start = vocab - 1))

    else -> this
}
