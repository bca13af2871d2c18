package kumiko.dsl.compare

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.decodeFromJsonElement
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonPrimitive
import kumiko.dsl.spec.SpecException

/** Steps, applied at once in one walk over a tree. Steps at places that the tree lacks are left out. */
internal class Application(private val steps: Collection<Step>) {
    private val puts = steps.filterIsInstance<Step.Put>().groupBy { it.place }
    private val inserts = steps.filterIsInstance<Step.Insert>().groupBy { it.place }
    private val removals = steps.filterIsInstance<Step.Remove>().groupBy { it.place }
    private val resizes = steps.filterIsInstance<Step.Resize>().associateBy { it.place }

    fun on(tree: Tree): Tree {
        val sizes = tree.sizes.mapValues { JsonPrimitive(it.value) as JsonElement }
        val top = put("", sizes + ("positions" to tree.positions))
        val rows = resized("blocks", tree.rows).mapIndexed { index, row -> row("blocks.$index", row) }
        return Tree(
            (top - "positions").mapValues { it.value.jsonPrimitive.int },
            top.getValue("positions"),
            rows,
            tree.parts.mapValues { (part, chain) -> chain(part, chain) },
        )
    }

    private fun row(place: String, row: Row) = Row(
        put(place, mapOf("count" to JsonPrimitive(row.count))).getValue("count").jsonPrimitive.int,
        resized(place, row.cycle).mapIndexed { index, block -> chain("$place.$index", block) },
    )

    private fun chain(place: String, chain: Chain) = Chain(
        list(place, chain.items, ::item, {
            Chain(listOf(it))
        }, Chain::items),
        chain.name,
    )

    private fun item(place: String, item: Item): Item {
        val changed = put(place, item.fields + (KIND to JsonPrimitive(item.kind)))
        val fresh = inserts.keys.filter {
            it.startsWith("$place/") && '/' !in it.removePrefix("$place/")
        }.map { it.removePrefix("$place/") }
        val slots = (item.slots.keys + fresh).distinct().associateWith { slot ->
            list("$place/$slot", item.slots[slot].orEmpty(), ::chain, { it }, { listOf(it) })
        }
        return Item(changed.getValue(KIND).text(), changed - KIND, slots.filterValues { it.isNotEmpty() })
    }

    private fun <T> list(
        place: String,
        old: List<T>,
        change: (String, T) -> T,
        asChain: (T) -> Chain,
        ofChain: (Chain) -> List<T>,
    ): List<T> {
        val gone = removals[place].orEmpty().associateBy { it.index }
        val come = inserts[place].orEmpty().sortedBy { it.order }.groupBy({ minOf(it.index, old.size) }, { it.what })
        return (0..old.size).flatMap { index ->
            val here = come[index].orEmpty().flatMap { ofChain(decoded(it)) }
            val kept = old.getOrNull(index)?.takeIf { element ->
                gone[index]?.also { fits(place, asChain(element), decoded(it.what)) } == null
            }
            here + listOfNotNull(kept?.let { change("$place/$index", it) })
        }
    }

    private fun <T> resized(place: String, list: List<T>): List<T> {
        val step = resizes[place] ?: return list
        fits(place, list.size, step.from)
        return List(step.to) { list[it % list.size] }
    }

    private fun put(place: String, fields: Map<String, JsonElement>): Map<String, JsonElement> =
        puts[place].orEmpty().fold(fields) { now, step ->
            (step.from.keys + step.to.keys).forEach { fits("$place $it".trim(), fields[it], step.from[it]) }
            now - step.from.keys + step.to
        }

    private fun <T> fits(place: String, found: T, expected: T) {
        if (found != expected) throw SpecException("the edit was made for a model that has $expected at $place, not $found")
    }

    private fun decoded(what: JsonElement): Chain = Json.decodeFromJsonElement(what)

    internal companion object {
        const val KIND = "kind"
    }
}
