package kumiko.dsl.compare

import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.dsl.spec.Check
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecJson

/** The form of [this] in which it is compared. */
internal fun ModelSpec.tree(): Tree {
    val sizes = listOfNotNull(
        Check.stream(this, mutableListOf()).dim?.let { "embed" to it.size },
        tokens?.let { "vocab" to it.vocab.size },
    ).toMap()
    return TreeReader(sizes).read(SpecJson.plain(this))
}

private class TreeReader(private val sizes: Map<String, Int>) {
    fun read(spec: JsonObject) = Tree(
        sizes,
        spec.getValue("positions"),
        spec.getValue("blocks").jsonArray.map { it.jsonObject }.map { row ->
            Row(row.getValue("count").jsonPrimitive.int, row.getValue("cycle").jsonArray.map { chain(it) })
        },
        (Tree.BEFORE + Tree.BEHIND).associateWith { part -> spec[part]?.takeIf { it is JsonObject }?.let(::chain) ?: Chain(emptyList()) }
            .mapValues { (part, chain) -> if (part == Tree.EMBEDDING) embedding(chain) else chain },
    )

    /** An embedding is a sum throughout, even of one, so that another summand is one change. */
    private fun embedding(chain: Chain): Chain {
        val first = chain.items.first()
        if (first.kind == "sum") return chain
        return Chain(listOf(Item("sum", emptyMap(), mapOf(Item.LIST to listOf(Chain(listOf(first)))))) + chain.items.drop(1), chain.name)
    }

    private fun chain(element: JsonElement): Chain {
        val json = element.jsonObject
        val name = (json["name"] as? JsonPrimitive)?.content
        return if ("layers" in json && kind(json) in setOf(null, KindForm.PATH)) {
            Chain(json.getValue("layers").jsonArray.map { item(it.jsonObject) }, name)
        } else {
            Chain(listOf(item(json)))
        }
    }

    private fun kind(json: JsonObject) = json["kind"]?.text()

    private fun item(json: JsonObject): Item {
        val kind = kind(json)!!
        if (kind == KindForm.PATH) return Item(kind, emptyMap(), mapOf(Item.LIST to listOf(chain(json))))
        val form = KindForm.of(kind)
        val own = json.filterKeys { it != "kind" && it !in form.layers }
        val slots = form.layers.keys.filter { it in json }.associate { form.slot(it) to slot(json.getValue(it)) }
        val fields = own.mapValues { (name, value) -> if (name in form.sizes) size(name, value) else value }
        return if (kind == ATTENTION) attention(Item(kind, fields, slots), own) else Item(kind, fields, slots)
    }

    private fun slot(value: JsonElement) = if (value is JsonObject) listOf(chain(value)) else value.jsonArray.map { chain(it) }

    private fun size(field: String, value: JsonElement): JsonElement {
        val size = value.text().toInt()
        val embed = sizes["embed"]
        val isVocab = size == sizes["vocab"]
        return when {
            isVocab && field == "vocab" -> JsonPrimitive("vocab")
            field in COUNTS || embed == null -> value
            size == embed -> JsonPrimitive("embed")
            isVocab && field == "output" -> JsonPrimitive("vocab")
            field == "hidden" && size % embed == 0 -> JsonPrimitive("${size / embed} * embed")
            else -> value
        }
    }

    /** Key heads are written as `heads` where they are as many, a head's width as its share of the stream, turned elements as theirs of a head. */
    private fun attention(item: Item, own: Map<String, JsonElement>): Item {
        fun size(name: String) = own.getValue(name).text().toInt()
        val (heads, headDim) = size("heads") to size("headDim")
        val share = size("embed").let { it % heads == 0 && it / heads == headDim }
        val relations = mapOf(
            "headDim" to if (share) JsonPrimitive("embed / heads") else own.getValue("headDim"),
            "kvHeads" to if (size("kvHeads") == heads) JsonPrimitive("heads") else own.getValue("kvHeads"),
            "positions" to turned(own.getValue("positions").jsonObject, headDim),
        )
        val norms = item.slots.mapValues { (_, chains) -> chains.map { Chain(it.items.map(::headNorm), it.name) } }
        return item.copy(fields = item.fields - "inner" + relations, slots = norms)
    }

    private fun turned(positions: JsonObject, headDim: Int): JsonElement {
        val dims = positions["dims"]?.text()?.toInt() ?: return positions
        val share = if (dims == headDim) {
            "headDim"
        } else if (headDim % dims == 0) {
            "headDim / ${headDim / dims}"
        } else {
            return positions
        }
        return JsonObject(positions + ("dims" to JsonPrimitive(share)))
    }

    /** The norms of queries and keys are as wide as those are. */
    private fun headNorm(item: Item) = if (item.family == Family.NORM) item.copy(fields = item.fields - "dim") else item

    private companion object {
        const val ATTENTION = "attention"

        /** Sizes that mean something else than a width, and so are equal to one by chance only. */
        val COUNTS = setOf("vocab", "heads", "kvHeads", "positions", "length")
    }
}
