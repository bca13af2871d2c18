package kumiko.dsl.spec

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.decodeFromJsonElement
import kotlinx.serialization.json.encodeToJsonElement
import java.security.MessageDigest
import java.util.HexFormat

/** The canonical spec file: pretty-printed, its dims first. */
public fun ModelSpec.toJson(): String = SpecJson.write(this)

/** SHA-256 of the canonical spec file; the same for equal specs, on every machine. */
public fun ModelSpec.hash(): String = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(toJson().toByteArray()))

/** The named dims of a model, definitions before uses. */
public fun ModelSpec.dims(): List<Dim.Named> = DimTable().also { SpecJson.body(this, it) }.named.toList()

/** The dim called [name]; an unknown name is refused with what is near. */
public fun ModelSpec.dim(name: String): Dim = dims().let { dims ->
    dims.firstOrNull { it.name == name }
        ?: throw SpecException("${this.name} has no dimension '$name'" + knownNames(name, dims.map { it.name }))
}

/**
 * Spec files: `{ "name": ..., "dims": { "embed": "768", "headDim": "embed / heads" }, "positions": ..., "embedding": ..., "blocks": ...,
 * "head": ... }`. Every dim stands once in `dims`; elsewhere it is written by its name or as an expression over names.
 */
internal object SpecJson {
    @OptIn(ExperimentalSerializationApi::class)
    private fun json(table: DimTable) = Json {
        prettyPrint = true
        prettyPrintIndent = "  "
        classDiscriminator = "kind"
        encodeDefaults = true
        explicitNulls = false
        serializersModule = Kinds.module(table)
    }

    fun write(spec: ModelSpec): String {
        val table = DimTable()
        return json(table).encodeToString(JsonElement.serializer(), element(body(spec, table), table)) + "\n"
    }

    /** The spec without its dims, which are added to [table]. */
    fun body(spec: ModelSpec, table: DimTable): JsonObject = try {
        json(table).encodeToJsonElement(spec) as JsonObject
    } catch (e: SerializationException) {
        throw SpecException("${spec.name}: a kind of layer is not known to spec files; make it known with Kinds.register (${firstLine(e)})")
    }

    /** The spec with bare numbers for dims. */
    fun plain(spec: ModelSpec): JsonObject = body(spec, DimTable(plain = true))

    private fun element(body: JsonObject, table: DimTable): JsonObject {
        val dims = JsonObject(table.named.associate { it.name to JsonPrimitive(it.definition.text) })
        return JsonObject(linkedMapOf("name" to body.getValue("name"), "dims" to dims) + (body - "name"))
    }

    fun read(text: String): ModelSpec = try {
        val file = Json.parseToJsonElement(text) as? JsonObject ?: throw SpecException("a spec file is a JSON object")
        decode(JsonObject(file - DIMS), definitions(file[DIMS]))
    } catch (e: SerializationException) {
        throw SpecException("cannot read the spec: ${firstLine(e)}")
    } catch (_: StackOverflowError) {
        throw SpecException("cannot read the spec: it is nested too deep")
    }

    /** Reads [body] over dims with the given expressions, in order. */
    fun decode(body: JsonObject, dims: Map<String, String>): ModelSpec {
        val table = DimTable()
        dims.forEach { (name, expression) -> table.define(name, expression) }
        return try {
            json(table).decodeFromJsonElement<ModelSpec>(body)
        } catch (e: SerializationException) {
            // A part that refuses its own numbers is wrapped on the way out; its words and problems are the better ones.
            throw generateSequence<Throwable>(e) { it.cause }.firstNotNullOfOrNull { it as? SpecException } ?: e
        }
    }

    private fun definitions(element: JsonElement?): Map<String, String> {
        val dims = element as? JsonObject ?: throw SpecException("a spec file has an object \"$DIMS\"")
        return dims.mapValues { (name, value) ->
            (value as? JsonPrimitive)?.content ?: throw SpecException("the dimension $name is a number or an expression, not $value")
        }
    }

    private fun firstLine(e: SerializationException) = e.message.orEmpty().lineSequence().first().trimEnd()

    private const val DIMS = "dims"
}
