package kumiko.architectures

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.jsonPrimitive
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.Layer
import kumiko.dsl.spec.LearnedPositions
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.Norm
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.Tokens
import kumiko.dsl.spec.Weight
import kumiko.dsl.spec.dims
import kumiko.dsl.spec.parameterCount
import kumiko.dsl.spec.plus
import kumiko.dsl.spec.replace
import kumiko.dsl.spec.toJson
import kumiko.dsl.spec.withLayers

/** Breaks every dimension of every shipped spec, once where it is written and once in every weight it becomes. */
class MutationSpec : FunSpec({
    for (spec in Architectures.all.values) {
        val (free, bound) = uses(spec).partition { it.isFree(spec) }

        test("a dimension that is wrong in one place of ${spec.name.replace('.', ' ')} is refused, and the place is named") {
            bound.size shouldBeGreaterThan 9
            for (use in bound) {
                withClue("$use") { shouldThrow<SpecException> { use.broken(spec) }.message.orEmpty() shouldContain use.place }
            }
        }

        test("the only dimensions of ${spec.name.replace('.', ' ')} that may be anything make another model") {
            free.map { "${it.place} ${it.key}" } shouldContainExactlyInAnyOrder expectedFree(spec)
            for (use in free) use.broken(spec).parameterCount() shouldNotBe spec.parameterCount()
        }

        test("a weight of ${spec.name.replace('.', ' ')} with one wrong dimension is refused before anything is allocated, and named") {
            val small = spec.withLayers(1)
            for (site in weightDims(small)) {
                withClue("$site") {
                    shouldThrow<IllegalArgumentException> { small.withBroken(site).compile() }.message.orEmpty() shouldContain "node "
                }
            }
        }
    }
})

/** A dim where it is written: the place of its layer, the field, and the way to it in the spec file. */
private data class Use(val place: String, val key: String, val way: List<Any>) {
    /** The spec with this one dim larger by one. */
    fun broken(spec: ModelSpec): ModelSpec = ModelSpec.fromJson(Json.parseToJsonElement(spec.toJson()).changed(way).toString())

    /** Nothing else says the same: the width inside a feed-forward layer, the rows of a table that only it reads. */
    fun isFree(spec: ModelSpec): Boolean = "$place $key" in expectedFree(spec)

    private fun JsonElement.changed(way: List<Any>): JsonElement = when {
        way.isEmpty() -> JsonPrimitive("(${jsonPrimitive.content}) + 1")
        this is JsonObject -> JsonObject(mapValues { (key, value) -> if (key == way[0]) value.changed(way.drop(1)) else value })
        else -> JsonArray((this as JsonArray).mapIndexed { index, value -> if (index == way[0]) value.changed(way.drop(1)) else value })
    }
}

private fun expectedFree(spec: ModelSpec): List<String> = listOfNotNull(
    "blocks.ffn hidden",
    "embedding.positions positions".takeIf { "learned-positions" in spec.toJson() },
    "embedding.tokens vocab".takeIf { "tied-to-tokens" in spec.toJson() },
)

/** Every string of the spec file that is an expression over its dims. */
private fun uses(spec: ModelSpec): List<Use> {
    val names = spec.dims().map { it.name }
    val file = Json.parseToJsonElement(spec.toJson()) as JsonObject
    fun isDim(text: String) =
        Regex("[A-Za-z]+").findAll(text).map { it.value }.toList().let { words -> words.isNotEmpty() && words.all { it in names } }

    fun walk(element: JsonElement, way: List<Any>, place: String): List<Use> = when (element) {
        is JsonObject -> element.flatMap { (key, value) -> walk(value, way + key, place(element, way, place)) }

        is JsonArray -> element.flatMapIndexed { index, value -> walk(value, way + index, place) }

        is JsonPrimitive -> if (way.last() !in listOf(
                "kind",
                "name",
            ) && isDim(element.content)
        ) {
            listOf(Use(place, "${way.last()}", way))
        } else {
            emptyList()
        }
    }
    return listOf("embedding", "blocks", "head").flatMap { walk(file.getValue(it), listOf(it), it) }
}

private fun place(layer: JsonObject, way: List<Any>, outer: String): String = when (layer["kind"]?.jsonPrimitive?.content) {
    "tokens" -> "embedding.tokens"

    "learned-positions" -> "embedding.positions"

    "attention" -> "blocks.attention"

    "mlp", "gated-mlp" -> "blocks.ffn"

    "linear" -> "head.linear"

    "layer-norm", "rms-norm" -> if (way.first() == "head") {
        "head.norm"
    } else if (2 in way.filterIsInstance<Int>()) {
        outer
    } else {
        "blocks"
    }

    else -> outer
}

/** One dim of one weight: the layer counted from the front, its weight, the dim. */
private data class WeightDim(val layer: Int, val weight: Int, val dim: Int)

private fun weightDims(spec: ModelSpec): List<WeightDim> {
    val layers = mutableListOf<Layer>()
    spec.replace<Layer> { it.also(layers::add) }
    return layers.flatMapIndexed { index, layer ->
        layer.parameters().flatMapIndexed { weight, (_, dims) ->
            dims.indices.map { WeightDim(index, weight, it) }.filterNot { layer.reads(it, tied = TiedToTokens in layers) }
        }
    }
}

/** A table may have any number of rows; one that the head reads too is the head's as well, and its layer cannot be exchanged. */
private fun Layer.reads(site: WeightDim, tied: Boolean) =
    (this is Tokens && (tied || site.dim == 0)) || (this is LearnedPositions && site.dim == 0)

private fun ModelSpec.withBroken(site: WeightDim): ModelSpec {
    var index = 0
    return replace<Layer> { if (index++ == site.layer) it.broken(site) else it }
}

private fun Layer.broken(site: WeightDim): Layer {
    val weights = parameters().mapIndexed { index, weight ->
        if (index != site.weight) weight else weight.copy(dims = weight.dims.mapIndexed { at, dim -> if (at == site.dim) dim + 1 else dim })
    }
    return if (this is Norm) BrokenNorm(this, weights) else BrokenLayer(this, weights)
}

private class BrokenLayer(layer: Layer, private val weights: List<Weight>) : Layer by layer {
    override fun parameters(): List<Weight> = weights
}

private class BrokenNorm(norm: Norm, private val weights: List<Weight>) : Norm by norm {
    override fun parameters(): List<Weight> = weights
}
