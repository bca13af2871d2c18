package kumiko.dsl.compare

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.SpecJson

/**
 * The spec that is compared as this tree. Its dims are `vocab`, `embed`, and `heads`, `kvHeads`, `headDim` and `hidden` where they are the
 * same in all layers.
 *
 * @throws SpecException if the layers do not fit one another
 */
internal fun Tree.toSpec(name: String): ModelSpec = try {
    TreeWriter(this).spec(name)
} catch (_: SpecException) {
    TreeWriter(distinct()).spec(name)
}

/** This tree with a name of its own for every path of a block, as paths of two models may be called alike. */
private fun Tree.distinct(): Tree = copy(
    rows = rows.map { row -> row.copy(cycle = row.cycle.map { Distinct().below(it) }) },
    parts = parts.mapValues { Distinct().below(it.value) },
)

private class Distinct {
    private val taken = HashSet<String>()

    fun below(chain: Chain): Chain = Chain(
        chain.items.map { item ->
            item.copy(slots = item.slots.mapValues { (slot, paths) -> if (slot == Item.LIST) paths.map(::named) else paths })
        },
        chain.name,
    )

    private fun named(path: Chain): Chain {
        val label = path.name ?: path.label ?: return below(path)
        val own = generateSequence(1) { it + 1 }.map { if (it == 1) label else "$label$it" }.first { taken.add(it) }
        return Chain(below(path).items, if (own == path.label) null else own)
    }
}

private class TreeWriter(private val tree: Tree) {
    private val dims = linkedMapOf<String, String>()

    fun spec(name: String): ModelSpec {
        listOf("vocab", "embed").forEach { size -> tree.sizes[size]?.let { dims[size] = "$it" } }
        val attention = tree.everyItem.filter { it.kind == "attention" }
        listOf("heads", "kvHeads", "headDim").forEach { share(it, attention) }
        share("hidden", tree.everyItem)
        val body = JsonObject(
            mapOf(
                "name" to JsonPrimitive(name),
                "positions" to tree.positions,
                "blocks" to JsonArray(tree.rows.map { row -> row(row) }),
            ) + tree.parts.filterValues { it.items.isNotEmpty() }.mapValues { layer(it.value) },
        )
        return try {
            SpecJson.decode(body, dims)
        } catch (e: SerializationException) {
            throw generateSequence<Throwable>(e) {
                it.cause
            }.firstNotNullOfOrNull { it as? SpecException } ?: SpecException("$name: ${e.message}")
        }
    }

    private fun row(row: Row) = JsonObject(mapOf("count" to JsonPrimitive(row.count), "cycle" to JsonArray(row.cycle.map { layer(it) })))

    /** Gives a size a name where all that have it agree. */
    private fun share(field: String, owners: List<Item>) {
        val text = owners.mapNotNull { it.text(field) }.distinct().singleOrNull() ?: return
        if (text != "heads" && ("heads" !in text || "heads" in dims)) dims[field] = text
    }

    private fun chain(chain: Chain): Map<String, JsonElement> =
        mapOf("layers" to JsonArray(spliced(chain).map { item(it) })) + listOfNotNull(chain.name?.let { "name" to JsonPrimitive(it) })

    private fun layer(chain: Chain): JsonElement = when {
        chain.name == null && spliced(chain).size == 1 -> item(spliced(chain).single())
        else -> JsonObject(mapOf("kind" to JsonPrimitive(KindForm.PATH)) + chain(chain))
    }

    /** A sum of one is that one. */
    private fun spliced(chain: Chain): List<Item> = chain.items.flatMap { item ->
        val only = item.slots[Item.LIST]?.singleOrNull()
        if (item.kind == "sum" && only != null && only.name == null) only.items else listOf(item)
    }

    private fun item(item: Item): JsonElement {
        if (item.kind == KindForm.PATH) {
            return JsonObject(
                mapOf("kind" to JsonPrimitive(item.kind)) + chain(item.slots.getValue(Item.LIST).single()),
            )
        }
        val form = KindForm.of(item.kind)
        val ready = if (item.kind == "attention") attention(item) else item
        val fields = ready.fields.mapValues { (field, value) -> if (field == "hidden" && field in dims) JsonPrimitive(field) else value }
        return JsonObject(mapOf("kind" to JsonPrimitive(item.kind)) + fields + slots(form, ready))
    }

    private fun slots(form: KindForm, item: Item) = form.layers.entries.mapNotNull { (field, holds) ->
        val chains = item.slots[form.slot(field)] ?: return@mapNotNull null
        field to when (holds) {
            KindForm.Holds.PATH -> JsonObject(chain(chains.single()))
            KindForm.Holds.LAYER -> chains.singleOrNull()?.let { layer(it) } ?: return@mapNotNull null
            KindForm.Holds.PATHS -> JsonArray(chains.map { JsonObject(chain(it)) })
            KindForm.Holds.LAYERS -> JsonArray(chains.map { layer(it) })
        }
    }

    private fun attention(item: Item): Item {
        val heads = item.sized("heads")
        val headDim = if ("headDim" in dims) "headDim" else item.text("headDim")!!.replace("heads", heads)
        val kvHeads = if (item.text("kvHeads") == "heads") heads else item.sized("kvHeads")
        val width = "$heads * ${grouped(headDim)}"
        val fields = mapOf("heads" to heads, "kvHeads" to kvHeads, "headDim" to headDim).mapValues { JsonPrimitive(it.value) }
        val inner = if (item.text("headDim") == "embed / heads") emptyMap() else mapOf("inner" to JsonPrimitive(width))
        val norms = item.slots.mapValues { (slot, chains) ->
            chains.map {
                Chain(
                    it.items.map { norm ->
                        headNorm(norm, if (slot == "queryNorm") width else "$kvHeads * ${grouped(headDim)}")
                    },
                    it.name,
                )
            }
        }
        return item.copy(fields = item.fields + fields + inner + ("positions" to turned(item, headDim)), slots = norms)
    }

    private fun Item.sized(field: String) = if (field in dims) field else text(field)!!

    private fun grouped(text: String) = if (' ' in text) "($text)" else text

    private fun turned(item: Item, headDim: String): JsonElement {
        val positions = item.fields.getValue("positions") as JsonObject
        val dims = positions["dims"]?.text() ?: return positions
        return JsonObject(positions + ("dims" to JsonPrimitive(dims.replace("headDim", grouped(headDim)))))
    }

    private fun headNorm(item: Item, width: String) =
        if (item.family == Family.NORM) item.copy(fields = item.fields + ("dim" to JsonPrimitive(width))) else item
}

/** The layers of this chain and all inside them. */
internal fun Chain.everyItem(): List<Item> = items.flatMap { item -> listOf(item) + item.slots.values.flatten().flatMap { it.everyItem() } }
