package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.collections.shouldBeIn
import io.kotest.matchers.ints.shouldBeGreaterThan
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.boolean
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.long
import kotlinx.serialization.json.longOrNull
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.MappingException
import kumiko.dsl.mapping.configFile
import kumiko.dsl.mapping.configure
import kumiko.dsl.mapping.describe
import kumiko.dsl.mapping.hasMeaningWhenAbsent
import kumiko.dsl.mapping.ignorableKey
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.dim
import kumiko.dsl.spec.linear
import kumiko.dsl.spec.replace
import kumiko.dsl.spec.toJson
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import kotlin.io.path.readText

class MapsSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)

    /** The configuration files of the reference sets, each with its map. */
    fun configurations(): List<Triple<String, CheckpointMap, String>> = Files.list(reference!!).use {
        it.toList()
    }.sorted().mapNotNull { folder ->
        val file = listOf("config.json", "params.json").map(folder::resolve).firstOrNull(Files::exists) ?: return@mapNotNull null
        val map = Maps.maps.firstOrNull { map ->
            runCatching { CheckpointModel.open(folder, Maps, map).use { it.account.fits } }.getOrDefault(false)
        }
        map?.let { Triple(folder.fileName.toString(), it, Files.readString(file)) }
    }

    fun changed(value: JsonPrimitive): JsonPrimitive = when {
        value.isString -> JsonPrimitive(value.content + "x")
        value.booleanOrNull != null -> JsonPrimitive(!value.boolean)
        value.longOrNull != null -> JsonPrimitive(value.long + 1)
        else -> JsonPrimitive(value.double * 1.5)
    }

    /** What the model computes; equal for equal computations. */
    fun meaning(spec: ModelSpec) = "${spec.positions}\n${spec.compile()}".let { text ->
        "${text.lines().size} operations, SHA-256 " + MessageDigest.getInstance("SHA-256").digest(text.toByteArray()).toHexString()
    }

    fun untied(spec: ModelSpec): ModelSpec =
        if (spec.toJson().contains("tied-to-tokens")) spec.replace<TiedToTokens> { linear(spec.dim("embed"), spec.dim("vocab")) } else spec

    fun outcome(map: CheckpointMap, json: JsonObject): Result<String> = runCatching { meaning(map.describe("$json", Maps, "m")) }
        .onFailure { if (it !is MappingException) throw it }

    test("every line of a map that the README of the language shows stands in the map it names") {
        fun squeezed(text: String) = text.replace(Regex("\\s+"), " ")
        val chapter = Path.of("../dsl/README.md").readText().substringAfter("## Maps")
        val lines = Regex("(?s)```json\n(.*?)```").findAll(chapter).flatMap { it.groupValues[1].trim().lines() }.toList()
        lines.size shouldBeGreaterThan 20
        val rotten = lines.filter { line ->
            val (shown, map) = line.split(" // ")
            squeezed(shown) !in squeezed(Maps::class.java.getResource("$map.keys.json")!!.readText())
        }
        rotten.shouldBeEmpty()
    }

    test("a map is at most 40 lines long") {
        val folder = Path.of(Maps::class.java.getResource("gpt2-hf.keys.json")!!.toURI()).parent
        Files.list(folder).use { files -> files.toList().filter { it.toString().endsWith(".keys.json") } }.forEach { file ->
            withClue(file) { Files.readAllLines(file).size shouldBeLessThanOrEqual 40 }
        }
    }

    for (map in Maps.maps) {
        test("${map.name} names a built-in model and writes a configuration that it reads back") {
            val spec = Maps.spec(map.model)
            val text = runCatching { map.configure(spec, Maps) }
            // A layout of a variant refuses what it has no words for; it must then say so.
            // Where the bytes of the head decide whether it is tied, the configuration alone says one of the two.
            text.onSuccess { meaning(map.describe(it, Maps, spec.name)) shouldBeIn listOf(meaning(spec), meaning(untied(spec))) }
                .onFailure {
                    it.message!!.lines().first() shouldBe "${spec.name} cannot be described by the ${map.configFile} of map ${map.name}:"
                }
        }
    }

    test(
        "deleting any key of a configuration is refused by its name, or means what the map says, or changes nothing",
    ).config(enabled = reference != null) {
        for ((set, map, text) in configurations()) {
            val json = Json.parseToJsonElement(text).jsonObject
            val whole = outcome(map, json).getOrThrow()
            for (key in json.keys) {
                val without = outcome(map, JsonObject(json - key))
                withClue("$set without $key") { if (!map.hasMeaningWhenAbsent(key)) without.getOrDefault(whole) shouldBe whole }
                without.onFailure { withClue("$set without $key") { it.message!! shouldContain "\"$key" } }
            }
        }
    }

    test("an unknown key is refused by name").config(enabled = reference != null) {
        for ((_, map, text) in configurations()) {
            val json = JsonObject(Json.parseToJsonElement(text).jsonObject + ("sliding_windows" to JsonPrimitive(4096)))
            outcome(map, json).exceptionOrNull()!!.message!! shouldContain "unknown key \"sliding_windows\" = 4096"
        }
    }

    test("changing any number or word of a configuration is refused or changes the model, unless the map calls it ignorable").config(
        enabled = reference != null,
    ) {
        for ((set, map, text) in configurations()) {
            val json = Json.parseToJsonElement(text).jsonObject
            val whole = outcome(map, json).getOrThrow()
            val silent = json.filterValues { it is JsonPrimitive && it.content != "null" }.keys.filter { key ->
                outcome(map, JsonObject(json + (key to changed(json.getValue(key) as JsonPrimitive)))).getOrNull() == whole
            }
            withClue(set) { silent.filterNot { key -> map.ignorableKey(key) != null }.shouldBeEmpty() }
        }
    }
})
