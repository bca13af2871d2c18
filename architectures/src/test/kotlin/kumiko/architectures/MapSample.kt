package kumiko.architectures

import kotlinx.serialization.json.JsonObject
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.KeyList
import kumiko.dsl.mapping.KeyTemplate
import kumiko.dsl.mapping.KeyTemplate.Variable
import kumiko.dsl.mapping.MapChecker
import kumiko.dsl.mapping.MappingException
import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.mapping.StoredTensor
import kumiko.dsl.mapping.configFile
import kumiko.dsl.mapping.targets
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kumiko.runtime.checkpoint.CheckpointException
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.checkpoint.TorchWriter
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.ValueLayout.JAVA_FLOAT
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.ExperimentalPathApi
import kotlin.io.path.copyToRecursively
import kotlin.io.path.name

/** A checkpoint in a layout. [keys] has the keys that are no weights too. */
@OptIn(ExperimentalPathApi::class)
internal class MapSample private constructor(
    private val inside: String?,
    private val shards: Int,
    private val spec: ModelSpec,
    private val folder: Path,
    private val keys: KeyList,
) {
    fun isFitting(map: CheckpointMap): Boolean = try {
        MapChecker.check(map, spec.targets(), keys).fits
    } catch (_: MappingException) {
        false
    }

    /** Every parameter that [map] finds, and the model; null if it refuses the configuration, the keys or what they hold. */
    fun through(map: CheckpointMap): Map<String, String>? = try {
        CheckpointModel.open(folder, Maps, map).use { model ->
            model.load().use { weights -> weights.parameters.mapValues { describe(it.value) } + ("model" to "${model.spec}") }
        }
    } catch (_: MappingException) {
        null
    } catch (_: SpecException) {
        null
    } catch (_: CheckpointException) {
        null
    }

    /** The same, but what lies in the first two shards alike differs a little; null where there is one shard. */
    fun withCopiesThatDiffer(other: Path): MapSample? {
        if (shards == 1) return null
        folder.copyToRecursively(other, followLinks = false)
        val files = keys.files.keys.sorted()
        for (file in files.filter(SECOND::containsMatchIn)) {
            val first = file.replace(SECOND) { it.value.replace("1", "0") }
            TensorFile.open(folder.resolve(first)).use { one ->
                TensorFile.open(folder.resolve(file)).use { two ->
                    TorchWriter.write(other.resolve(file), listOfNotNull(inside), two.names().map { changed(it, one, two) })
                }
            }
        }
        return MapSample(inside, shards, spec, other, keys)
    }

    private fun changed(name: String, one: TensorFile, two: TensorFile): TensorSource {
        val own = two.tensor(name)
        val key = name.removePrefix("$inside.")
        if (own.data().mismatch(one.tensor(name).data()) >= 0) return TensorSource.of(key, own)
        val copy = Arena.ofAuto().allocate(own.data().byteSize(), 4).copyFrom(own.data())
        copy.setAtIndex(JAVA_FLOAT, 0, copy.getAtIndex(JAVA_FLOAT, 0) + SMALL)
        return TensorSource.of(key, Tensor(own.dtype(), own.shape(), copy))
    }

    companion object {
        private const val SMALL = 1e-4f

        /** The number of the second shard in a file's name; a layer's number stands before it. */
        private val SECOND = Regex("""(?<=model_|rank_|consolidated\.)01""")

        /** Random weights of [spec] in the layout of [map], which is written as [text]. */
        fun of(map: CheckpointMap, text: JsonObject, spec: ModelSpec, folder: Path): MapSample {
            val shards = if (map.sections.any { it.file.has(Variable.SHARD) }) 2 else 1
            CheckpointExport(map, spec, shards).write(folder, RandomParameters(3, DType.F32), Maps)
            val files = Files.list(folder).use { all -> all.toList() }.filter { it.name != map.configFile }.sorted()
            val stored = files.associate { file -> file.name to stored(file) }
            val first = files.first().name
            val ignored = ignored(text, spec.layers).map { StoredTensor(first, it, DType.F32, Shape.of(1)) }
            val keys = KeyList(stored + (first to stored.getValue(first) + ignored), shards)
            return MapSample(map.sections.firstNotNullOfOrNull { it.inside }, shards, spec, folder, keys)
        }

        private fun stored(file: Path): List<StoredTensor> = TensorFile.open(file).use { opened ->
            opened.names().map { opened.entry(it) }.map { StoredTensor(file.name, it.name(), it.dtype(), it.shape()) }
        }

        private fun ignored(text: JsonObject, layers: Int): List<String> =
            (text["ignore"] as? JsonObject)?.keys.orEmpty().map(KeyTemplate::parse).flatMap { names(it, layers) }

        private fun names(key: KeyTemplate, layers: Int): List<String> {
            val numbers = if (key.has(Variable.LAYER)) (0 until layers).toList() else listOf(null)
            val choices = key.groups.singleOrNull()?.indices?.map { listOf(it) } ?: listOf(emptyList())
            return numbers.flatMap { layer -> choices.map { key.render(KeyTemplate.Binding(layer, choices = it)) } }
        }
    }
}
