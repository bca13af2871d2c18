package kumiko.architectures

import kumiko.dsl.mapping.Catalog
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.MappingException
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.knownNames

/** The shipped maps: every `*.keys.json` that lies beside the families, found without a list. */
object Maps : Catalog {
    override val maps: List<CheckpointMap> by lazy {
        PackageFiles.names.filter {
            it.endsWith(CheckpointMap.SUFFIX)
        }.map { CheckpointMap.whenAsked(it, PackageFiles.text(it)) }.sortedBy { it.name }
    }

    /** The file of a shipped map. */
    fun text(map: CheckpointMap): String = PackageFiles.text(map.name + CheckpointMap.SUFFIX)

    override fun spec(name: String): ModelSpec = Architectures[name]

    /** The map called [name]; an unknown name is refused with what is near. */
    operator fun get(name: String): CheckpointMap = maps.firstOrNull { it.name == name }
        ?: throw MappingException("there is no map called '$name'${knownNames(name, maps.map { it.name })}")
}
