package kumiko.architectures

import kumiko.dsl.mapping.Catalog
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.MappingException
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.knownNames
import java.nio.file.Files
import kotlin.io.path.name

/** The shipped maps: every `*.keys.json` that lies beside the families, found without a list. */
object Maps : Catalog {
    override val maps: List<CheckpointMap> by lazy { texts().map { (name, text) -> CheckpointMap.parse(name, text) }.sortedBy { it.name } }

    override fun spec(name: String): ModelSpec = Architectures[name]

    /** The map called [name]; an unknown name is refused with what is near. */
    operator fun get(name: String): CheckpointMap = maps.firstOrNull { it.name == name }
        ?: throw MappingException("there is no map called '$name'${knownNames(name, maps.map { it.name })}")

    private fun texts(): Map<String, String> = PackageFiles.use { files ->
        files.filter { it.name.endsWith(CheckpointMap.SUFFIX) }.associate { it.name to Files.readString(it) }
    }
}
