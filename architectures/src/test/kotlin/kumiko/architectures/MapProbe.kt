package kumiko.architectures

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.doubleOrNull
import kotlinx.serialization.json.jsonObject
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.MappingException
import kumiko.dsl.mapping.configure
import kumiko.dsl.mapping.describe
import kumiko.dsl.mapping.targets
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.BlockPositions
import kumiko.dsl.spec.Linear
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.RotaryScaling
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.dim
import kumiko.dsl.spec.dims
import kumiko.dsl.spec.linear
import kumiko.dsl.spec.replace
import kumiko.dsl.spec.shrunk
import kumiko.dsl.spec.tiedToTokens
import java.nio.file.Path

/** Who sees that a map is wrong. */
internal enum class Seer(val word: String) { CHECK("check"), PARITY("parity") }

/** Models of every kind that a map can say, configurations and checkpoints of them, and what another map makes of these. */
internal class MapProbe(private val name: String, root: Path) {
    val text: String = Maps::class.java.getResource("$name${CheckpointMap.SUFFIX}")!!.readText()
    private val map = Maps[name]
    private val written = COMMENTED.parseToJsonElement(text).jsonObject
    private val configurations: List<JsonObject> = (Architectures.all.values + VARIANTS).flatMap(::small).mapNotNull(::configuration)
        .map {
            COMMENTED.parseToJsonElement(it).jsonObject
        }.distinctBy(::withoutNumbers).flatMap { ConfigProbes(written, it).all }.distinct()
    private val meanings = configurations.map { meaning(map, it) }
    private val samples = models().flatMapIndexed { i, spec ->
        val whole = MapSample.of(map, written, spec, root.resolve("$name-$i"))
        check(whole.through(map) != null) { "$name does not load what it wrote" }
        listOfNotNull(whole, whole.withCopiesThatDiffer(root.resolve("$name-$i-differ")))
    }
    private val parameters = samples.map { it.through(map) }

    /** Who sees that [changed] is not the map; null for nobody. */
    fun seenBy(changed: String): Seer? {
        val other = try {
            CheckpointMap.parse("$name${CheckpointMap.SUFFIX}", changed).also { Maps.spec(it.model) }
        } catch (_: MappingException) {
            return Seer.CHECK
        } catch (_: SpecException) {
            return Seer.CHECK
        }
        if (samples.any { !it.isFitting(other) }) return Seer.CHECK
        for ((config, before) in configurations.zip(meanings)) {
            val now = meaning(other, config)
            if (now != before) return if (now == null || before == null) Seer.CHECK else Seer.PARITY
        }
        for ((sample, before) in samples.zip(parameters)) {
            val now = sample.through(other)
            if (now != before) return if (now == null || before == null) Seer.CHECK else Seer.PARITY
        }
        return null
    }

    /** Configurations that differ in numbers only are probed alike. */
    private fun withoutNumbers(json: JsonElement): JsonElement = when (json) {
        is JsonObject -> JsonObject(json.mapValues { withoutNumbers(it.value) })
        is JsonPrimitive -> if (json.doubleOrNull == null) json else JsonPrimitive(0)
        else -> json
    }

    /** What a configuration describes; null if it is refused. */
    private fun meaning(map: CheckpointMap, config: JsonObject): String? = try {
        map.describe("$config", Maps, "m").let { "${it.positions}\n${it.compile()}" }
    } catch (_: MappingException) {
        null
    }

    private fun configuration(spec: ModelSpec): String? = try {
        map.configure(spec, Maps)
    } catch (_: MappingException) {
        null
    }

    /** One model for each different table of parameters that some configuration describes, its head tied and not. */
    private fun models(): List<ModelSpec> = configurations
        .mapNotNull { json -> described(json) }
        .filter { spec -> spec.dim("vocab").size == VOCAB }
        .flatMap(::heads)
        .filter { spec -> configuration(spec) != null }
        .distinctBy { spec -> spec.targets().all.map { it.name } }

    private fun described(json: JsonObject): ModelSpec? = try {
        map.describe("$json", Maps, "m")
    } catch (_: MappingException) {
        null
    }

    /** With a head that is tied, and with one that is not. */
    private fun heads(spec: ModelSpec): List<ModelSpec> = listOfNotNull(
        spec,
        fitting { spec.replace<TiedToTokens> { linear(spec.dim("embed"), spec.dim("vocab")) } },
        fitting { spec.replace<Linear> { tiedToTokens } },
    )

    private fun fitting(change: () -> ModelSpec): ModelSpec? = try {
        change()
    } catch (_: SpecException) {
        null
    }

    /** With small sizes; the width of the feed-forward free, where the family allows it. */
    private fun small(spec: ModelSpec): List<ModelSpec> {
        val sizes = listOf("vocab" to VOCAB, "embed" to 32, "heads" to 4, "kvHeads" to 2, "context" to 16)
            .filter { (name, _) -> spec.dims().any { it.name == name } }
        val positions = if (spec.positions is BlockPositions) BlockPositions(20, 21, 22) else spec.positions
        return listOf(sizes, sizes + ("hidden" to 90)).map { spec.copy(positions = positions).shrunk(2, *it.toTypedArray()) }
    }

    private companion object {
        const val VOCAB = 24
        val COMMENTED = Json { allowComments = true }

        /** Models that layouts can say and that are not built in. */
        val VARIANTS = listOf(
            gpt2.replace<TiedToTokens> { linear(gpt2.dim("embed"), gpt2.dim("vocab")) },
            scaled(RotaryScaling.Linear(2.0)),
            scaled(RotaryScaling.Llama3(factor = 8.0, low = 1.0, high = 4.0, context = 8192.0)),
        )

        fun scaled(scaling: RotaryScaling) = llama3_8b.replace<Attention> { attention ->
            attention.copy(positions = (attention.positions as PositionCode.Rotary).copy(scaling = scaling))
        }
    }
}
