package kumiko.dsl.mapping

/**
 * Names that differ only in their layer number, folded: `blocks.0.ffn.up.weight`, ... , `blocks.11.ffn.up.weight` become
 * `blocks.{0..11}.ffn.up.weight`. The layer is the first segment that is a number; a single name stays as it is.
 */
object LayerRanges {
    /** The number of the layer; null for a name outside the blocks. */
    fun layer(name: String): Int? = layerSegment(name)?.let { segments(name)[it].toInt() }

    /** What is equal in names of one range: the name with its layer number left open. */
    fun skeleton(name: String): String = layerSegment(name)?.let { replace(name, it, "{}") } ?: name

    fun fold(names: List<String>): String {
        val distinct = names.distinct()
        if (distinct.size == 1) return distinct.single()
        require(distinct.map(::skeleton).distinct().size == 1) { "names of different kinds cannot be folded: $distinct" }
        val numbers = distinct.map { segments(it)[layerSegment(it)!!].toInt() }.sorted()
        return replace(distinct.first(), layerSegment(distinct.first())!!, "{${ranges(numbers)}}")
    }

    /** `0..3,7` */
    fun ranges(numbers: List<Int>): String {
        val runs = ArrayList<IntRange>()
        for (n in numbers) {
            if (runs.isNotEmpty() && runs.last().last == n - 1) runs[runs.lastIndex] = runs.last().first..n else runs += n..n
        }
        return runs.joinToString(",") { if (it.first == it.last) "${it.first}" else "${it.first}..${it.last}" }
    }

    private fun segments(name: String) = name.split('.')

    private fun layerSegment(name: String): Int? =
        segments(name).indexOfFirst { s -> s.length in 1..9 && s.all { it in '0'..'9' } }.takeIf { it >= 0 }

    private fun replace(name: String, segment: Int, by: String) = segments(name).toMutableList().also { it[segment] = by }.joinToString(".")
}
