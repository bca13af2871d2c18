package kumiko.dsl.compare

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.encodeToJsonElement

/** One change at one site. Changes that are [alike] are one edit. */
internal data class Change(
    val subject: String,
    val from: String,
    val to: String,
    val kind: Edit.Kind,
    val site: Site,
    val steps: List<Step>,
) {
    val alike: Any get() = listOf(subject, from, to, kind, steps.map { it.content() })

    private fun Step.content(): Any = when (this) {
        is Step.Put -> from to to
        is Step.Insert -> "insert" to what
        is Step.Remove -> "remove" to what
        is Step.Resize -> from to to
    }
}

/** Where a layer stands, as a reader says it; [family] and [field] tell which sites are of one sort. */
internal data class Site(val name: String, val family: Family)

/** Walks two trees side by side and tells every change from [a] to [b]. */
internal class Differ(private val a: Tree, private val b: Tree) {
    private val changes = mutableListOf<Change>()
    private val fields = FieldChanges(EditText(a.sizes), EditText(b.sizes), changes)

    fun changes(): List<Change> {
        top("embed", Edit.Kind.SIZE, "embed")
        top("vocab", Edit.Kind.SIZE, "vocab")
        if (a.positions != b.positions) fields.top("position ids", Edit.Kind.STRUCTURE, "positions", a.positions, b.positions)
        Tree.BEFORE.forEach(::part)
        rows()
        Tree.BEHIND.forEach(::part)
        return changes
    }

    private fun part(name: String) = chain(name, a.parts.getValue(name), b.parts.getValue(name), name)

    private fun top(subject: String, kind: Edit.Kind, size: String) {
        val (from, to) = a.sizes[size]?.let { JsonPrimitive(it) } to b.sizes[size]?.let { JsonPrimitive(it) }
        if (from != to) fields.top(subject, kind, size, from, to)
    }

    private fun rows() {
        if (a.rows.size != b.rows.size) {
            resize("block rows", "blocks", a.rows.size, b.rows.size) { if (it == 1) "one sort of row" else "$it rows" }
        }
        b.rows.forEachIndexed { index, row ->
            val old = a.rows[index % a.rows.size]
            val place = "blocks.$index"
            val name = if (b.rows.size == 1) "" else "row ${index + 1} "
            if (old.count != row.count) fields.count(place, name, old.count, row.count)
            if (old.cycle.size != row.cycle.size) {
                resize("${name}block pattern", place, old.cycle.size, row.cycle.size) { if (it == 1) "all alike" else "cycle of $it" }
            }
            row.cycle.forEachIndexed { at, block ->
                val site = if (row.cycle.size == 1) "${name}blocks" else "${name}block ${at + 1} of ${row.cycle.size}"
                chain("$place.$at", old.cycle[at % old.cycle.size], block, site)
            }
        }
    }

    private fun resize(subject: String, place: String, from: Int, to: Int, name: (Int) -> String) {
        val step = Step.Resize(place, from, to)
        changes += Change(subject, name(from), name(to), Edit.Kind.STRUCTURE, Site("", Family.OTHER), listOf(step))
    }

    private fun chain(place: String, old: Chain, new: Chain, site: String) {
        val label = old.name ?: old.label
        val here = if (label == null || !site.startsWith(
                "block",
            ) && !site.startsWith("row")
        ) {
            site
        } else {
            "$site $label".removePrefix("blocks ")
        }
        list(place, old.items, new.items, ::unlike, { Chain(listOf(it)) }, here) { at, x, y -> item(at, x, y, here) }
    }

    private fun item(place: String, old: Item, new: Item, site: String) {
        if (old == new) return
        fields.item(place, old, new, site)
        for (slot in old.slots.keys + new.slots.keys) {
            list("$place/$slot", old.slots[slot].orEmpty(), new.slots[slot].orEmpty(), ::unlike, { it }, site, slot) { at, x, y ->
                chain(at, x, y, site)
            }
        }
    }

    private fun <T> list(
        place: String,
        old: List<T>,
        new: List<T>,
        unlike: (T, T) -> Double?,
        asChain: (T) -> Chain,
        site: String,
        slot: String = Item.LIST,
        kept: (String, T, T) -> Unit,
    ) = align(old, new, unlike).forEach { step ->
        when (step) {
            is Aligned.Kept -> kept("$place/${step.index}", old[step.index], new[step.other])

            is Aligned.Changed -> {
                val removed = step.removed.map { asChain(old[it]) to Step.Remove(place, it, json(asChain(old[it]))) }
                val inserted = step.inserted.map { asChain(new[it]) to Step.Insert(place, step.index, it, json(asChain(new[it]))) }
                for (at in 0..<maxOf(
                    removed.size,
                    inserted.size,
                )) {
                    fields.replaced(removed.getOrNull(at), inserted.getOrNull(at), site, slot)
                }
            }
        }
    }

    private fun json(chain: Chain): JsonElement = Json.encodeToJsonElement(chain)

    private fun unlike(x: Item, y: Item): Double? = when {
        x == y -> 0.0
        x.kind == y.kind -> 0.1
        x.family == y.family && x.family != Family.OTHER -> 0.2
        else -> null
    }

    private fun unlike(x: Chain, y: Chain): Double? {
        if (x == y) return 0.0
        val (p, q) = x.core to y.core
        if (p == null || q == null) return if (p == null && q == null) 0.3 else null
        return unlike(p, q)?.let { 0.1 + it / 2 }
    }
}
