package kumiko.dsl.mapping

import kotlinx.serialization.json.JsonObject
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.withLayers
import java.nio.file.Files
import java.nio.file.Path

/** Opens one directory through one map after another. */
internal class Opening(
    private val directory: Path,
    private val catalog: Catalog,
    private val spec: ModelSpec?,
    private val layers: IntRange?,
    private val prefix: Path?,
) {
    private val configurations = HashMap<Path, StrictJson>()

    fun through(map: CheckpointMap, described: ConfigResult = describe(map)): CheckpointModel {
        val source = CheckpointSource.open(directory, map, described.spec.layers, prefix)
        try {
            val sized = OpenSizes.close(map, described.spec, described.open, source.keys)
            val tied = decideTie(map, sized, source)
            return CheckpointModel(directory, map, part(tied.spec), tied.account, tied.ties, source, tied.spec.layers)
        } catch (e: Throwable) {
            source.close()
            throw e
        }
    }

    private class Tied(val spec: ModelSpec, val account: KeyAccount, val ties: List<Tie>)

    /** Where the map knows the model tied and untied, the bytes decide. */
    private fun decideTie(map: CheckpointMap, sized: ModelSpec, source: CheckpointSource): Tied {
        val account = check(map, sized, source)
        val config = map.config
        if (spec != null || config?.tieIsOpen != true || !account.fits) return Tied(sized, account, emptyList())
        val ties = WeightLoader.ties(account, source)
        val decided = config.decided(sized, ties.all { it.isRepetition })
        return Tied(decided, check(map, decided, source), ties)
    }

    /** A range that the model does not have is refused when it is clear that this is the map. */
    private fun part(whole: ModelSpec): ModelSpec =
        layers?.last?.takeIf { it in 0 until whole.layers }?.let { whole.withLayers(it + 1) } ?: whole

    private fun check(map: CheckpointMap, whole: ModelSpec, source: CheckpointSource) =
        MapChecker.check(map, whole.targets(), source.keys, layers)

    /** What the configuration file says; the given spec where there is one. */
    fun describe(map: CheckpointMap): ConfigResult {
        if (spec != null) return ConfigResult(spec, emptySet())
        val base = read(map, directory)
        return if (prefix == null) base else prefixed(map, base, prefix)
    }

    /** Whether the configuration file says something of itself that [map] excludes, seen at a glance; then [describe] refuses it. */
    fun contradicts(map: CheckpointMap): Boolean {
        val name = map.outline.config?.takeIf { spec == null } ?: return false
        val file = directory.resolve(name)
        val given = if (Files.isRegularFile(file)) configuration(file, name).root as? JsonObject else null
        return given != null && map.outline.isContradictedBy(given)
    }

    /** The prefix's own configuration tells the whole model; without the prefix it must be that of the checkpoint. */
    private fun prefixed(map: CheckpointMap, base: ConfigResult, folder: Path): ConfigResult {
        val tuned = read(map, folder)
        val file = folder.resolve(map.config!!.file)
        if (base.spec.prefix != null) throw MappingException("$directory has a prefix already; leave out the one in $folder")
        if (tuned.spec.prefix == null) throw MappingException("$file describes no prefix")
        if (tuned.spec.copy(prefix = null) != base.spec) {
            throw MappingException(
                "$file describes another model than the one in $directory: a prefix fits only the model it was tuned for",
            )
        }
        return tuned
    }

    private fun read(map: CheckpointMap, folder: Path): ConfigResult {
        val config = map.config ?: throw MappingException(
            "map ${map.name} reads no configuration file; say which model the checkpoint holds",
        )
        val file = folder.resolve(config.file)
        if (!Files.isRegularFile(file)) {
            throw MappingException("$folder: there is no ${config.file}, which map ${map.name} reads the sizes from")
        }
        return ConfigReader(map, catalog.spec(map.model), configuration(file, config.file)).read(name())
    }

    /** Read once for all maps. */
    private fun configuration(file: Path, name: String): StrictJson = configurations.getOrPut(file) {
        if (Files.size(file) > MAX_CONFIG) {
            throw MappingException("$file: a configuration of ${Files.size(file)} bytes is not read; the limit is $MAX_CONFIG")
        }
        StrictJson(name, Files.readString(file))
    }

    private fun name() = directory.toAbsolutePath().normalize().fileName?.toString() ?: "checkpoint"

    private companion object {
        const val MAX_CONFIG = 1L shl 20
    }
}
