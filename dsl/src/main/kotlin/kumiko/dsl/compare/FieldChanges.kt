package kumiko.dsl.compare

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonPrimitive

/** Puts changes of fields into words and steps. */
internal class FieldChanges(private val before: EditText, private val after: EditText, private val changes: MutableList<Change>) {
    /** A field of the model itself. */
    fun top(subject: String, kind: Edit.Kind, field: String, from: JsonElement?, to: JsonElement?) {
        add(
            subject,
            before.value(from),
            after.value(to),
            kind,
            Site("", Family.OTHER),
            Step.Put("", present(field, from), present(field, to)),
        )
    }

    fun count(place: String, row: String, from: Int, to: Int) {
        val step = Step.Put(place, mapOf("count" to JsonPrimitive(from)), mapOf("count" to JsonPrimitive(to)))
        add("${row}layers", "$from", "$to", Edit.Kind.SIZE, Site("", Family.OTHER), step)
    }

    /** The fields of a layer that stays. */
    fun item(place: String, old: Item, new: Item, name: String) {
        val site = Site(name, new.family)
        val whole = whole(old, new)
        val differing = (old.fields.keys + new.fields.keys).filter { old.fields[it] != new.fields[it] }
        if (old.kind != new.kind || differing.any { it in whole }) {
            val kind = listOf(Application.KIND).filter { old.kind != new.kind }
            val (from, to) = listOf(old, new).map { item ->
                item.fields.filterKeys { it in whole && it in differing } + kind.map { it to JsonPrimitive(item.kind) }
            }
            add(subject(new, name), before.kind(old), after.kind(new), Edit.Kind.STRUCTURE, site, Step.Put(place, from, to))
        }
        differing.filter { it !in whole }.forEach { field(place, old, new, it, site) }
    }

    /** Fields that are named together with the kind of their layer, or that only one of two kinds has. */
    private fun whole(old: Item, new: Item): Set<String> = when (new.family) {
        Family.NORM -> old.fields.keys + new.fields.keys - "dim"
        Family.WIRING, Family.OUTPUT -> old.fields.keys + new.fields.keys
        else -> (old.fields.keys - new.fields.keys) + (new.fields.keys - old.fields.keys)
    }.let { if (old.kind == new.kind && new.family !in setOf(Family.NORM, Family.WIRING, Family.OUTPUT)) emptySet() else it }

    private fun field(place: String, old: Item, new: Item, field: String, site: Site) {
        val step = Step.Put(place, present(field, old.fields[field]), present(field, new.fields[field]))
        if (new.family == Family.ATTENTION && field == "positions") {
            add("rotary", before.positions(old, new), after.positions(new, old), Edit.Kind.STRUCTURE, site, step)
        } else {
            val kind = if (isSize(old, new, field)) Edit.Kind.SIZE else Edit.Kind.STRUCTURE
            add(subject(new, field, site.name), before.field(old, field), after.field(new, field), kind, site, step)
        }
    }

    /** A layer or path that goes, comes, or goes and comes. */
    fun replaced(removed: Pair<Chain, Step>?, inserted: Pair<Chain, Step>?, name: String, slot: String) {
        val chain = (inserted ?: removed)!!.first
        val item = chain.core ?: chain.items.last()
        val subject = when (slot) {
            "queryNorm" -> "query norm"
            "keyNorm" -> "key norm"
            else -> if (item.family == Family.POSITIONS) "positions" else subject(item, name)
        }
        val from = removed?.let { whole(it.first, before) } ?: "none"
        val to = inserted?.let { whole(it.first, after) } ?: "none"
        changes += Change(subject, from, to, Edit.Kind.STRUCTURE, Site(name, item.family), listOfNotNull(removed?.second, inserted?.second))
    }

    private fun whole(chain: Chain, text: EditText) = chain.items.joinToString(" then ") { text.item(it) }

    private fun subject(item: Item, site: String): String = when (item.family) {
        Family.NORM -> "norm"
        Family.WIRING -> "residual"
        Family.ATTENTION -> "attention"
        Family.FFN -> "ffn"
        Family.OUTPUT -> if (site == "head") "head" else "linear"
        Family.TOKENS -> "tokens"
        Family.POSITIONS -> "positions"
        Family.PREFIX -> "prefix"
        Family.BRANCHES, Family.OTHER -> item.kind
    }

    private fun subject(item: Item, field: String, site: String): String = when (item.family) {
        Family.ATTENTION -> ATTENTION[field] ?: "attention $field"
        Family.FFN -> if (field == "activation" || field == "hidden") field else "ffn $field"
        Family.POSITIONS -> if (field == "positions") "learned positions" else "positions $field"
        else -> "${subject(item, site)} $field"
    }

    private fun isSize(old: Item, new: Item, field: String): Boolean = when (field) {
        "kvHeads" -> "heads" !in setOf(old.text(field), new.text(field))
        else -> field in KindForm.of(new.kind).sizes
    }

    private fun present(field: String, value: JsonElement?) = if (value == null) emptyMap() else mapOf(field to value)

    private fun add(subject: String, from: String, to: String, kind: Edit.Kind, site: Site, step: Step) {
        changes += Change(subject, from, to, kind, site, listOf(step))
    }

    private companion object {
        val ATTENTION = mapOf(
            "heads" to "heads",
            "kvHeads" to "key/value heads",
            "headDim" to "head width",
            "mask" to "mask",
            "scale" to "score scale",
            "bias" to "attention bias",
        )
    }
}
