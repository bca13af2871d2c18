package kumiko.dsl.mapping

import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.ShardWriter
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.checkpoint.TorchWriter
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption
import java.util.UUID

/** How far an export has come, in bytes of tensors; [file] is being written. */
data class WriteProgress(val file: String, val bytes: Long, val totalBytes: Long)

/**
 * Writes a model in the layout of a map: every rule followed backwards, and the configuration file. The files are written in a hidden
 * folder beside [directory], which gets its name when all are complete; an interrupted export leaves nothing that looks like a
 * checkpoint.
 */
class CheckpointExport(
    private val map: CheckpointMap,
    private val spec: ModelSpec,
    private val shards: Int = 1,
    private val progress: (WriteProgress) -> Unit = {},
) {
    /** The most bytes in one safetensors file; what is larger is divided, with an index. */
    private val maxShardBytes = 5_000_000_000L

    /**
     * Writes a loaded checkpoint. In its own layout every key, type, shape and byte is the same again, and so are keys that are no
     * weights and the configuration file; another layout gets a [Remainder] beside it, so that the way back gives the same bytes.
     */
    fun write(directory: Path, model: CheckpointModel, weights: LoadedWeights, catalog: Catalog) {
        if (!model.isWhole) return write(directory, LoadedParameters(weights), catalog)
        val brought = Remainder.open(model.directory)
        try {
            val own = model.map.name == map.name && model.shards == shards
            val keepsakes = if (own) OwnKeepsakes(model) else brought?.keepsakes(map, shards) ?: NoKeepsakes
            write(directory, LoadedParameters(weights), keepsakes, catalog) { Remainder.write(it, model, brought, map, shards) }
        } finally {
            brought?.close()
        }
    }

    /** Writes parameters from anywhere. */
    fun write(directory: Path, parameters: ParameterSource, catalog: Catalog) = write(directory, parameters, NoKeepsakes, catalog) {}

    private fun write(directory: Path, parameters: ParameterSource, keepsakes: Keepsakes, catalog: Catalog, also: (Path) -> Unit) {
        val plan = ExportPlan(map, spec, parameters, shards, keepsakes)
        val config = map.config?.let { it.file to configText(it, keepsakes, catalog) }
        requireRoom(directory)
        val partial = directory.resolveSibling(".${directory.fileName}.${UUID.randomUUID()}.partial")
        try {
            Files.createDirectories(partial)
            reported(plan).forEach { (file, tensors) -> write(partial, file, tensors) }
            also(partial)
            config?.let { (file, text) -> Files.writeString(partial.resolve(file), text) }
            Files.move(partial, directory, StandardCopyOption.ATOMIC_MOVE)
        } catch (e: IOException) {
            throw MappingException(
                "$directory cannot be written: ${e.message}. Check that its parent folder exists and may be written to.",
                e,
            )
        } finally {
            delete(partial)
        }
    }

    /** The files of a plan; each tensor that is written says so. Zeros are left out of files as before. */
    private fun reported(plan: ExportPlan): Map<String, List<TensorSource>> {
        val total = plan.files.values.flatten().sumOf { it.bytes() }
        var done = 0L
        return plan.files.mapValues { (file, tensors) ->
            if (plan.isZero) return@mapValues tensors
            tensors.map { tensor ->
                TensorSource(tensor.name(), tensor.dtype(), tensor.shape()) { channel ->
                    tensor.body().writeTo(channel)
                    done += tensor.bytes()
                    progress(WriteProgress(file, done, total))
                }
            }
        }
    }

    /** The text that was there before, if it still describes the model; else one made from the spec. */
    private fun configText(config: ConfigMap, keepsakes: Keepsakes, catalog: Catalog): String {
        val writer = ConfigWriter(map, config, catalog)
        val before = keepsakes.config(config.file)
        return before?.takeIf { writer.describes(it, spec) } ?: writer.write(spec)
    }

    private fun write(folder: Path, file: String, tensors: List<TensorSource>) {
        val inside = map.sections.firstNotNullOfOrNull { it.inside }
        when {
            file == "model.safetensors" -> ShardWriter.write(folder, tensors, mapOf("format" to "pt"), maxShardBytes)
            file.endsWith(".safetensors") -> SafetensorsWriter.write(folder.resolve(file), tensors, mapOf("format" to "pt"))
            inside != null -> TorchWriter.write(folder.resolve(file), listOf(inside), tensors.map { without("$inside.", it) })
            else -> TorchWriter.write(folder.resolve(file), tensors)
        }
    }

    private fun without(prefix: String, tensor: TensorSource) =
        TensorSource(tensor.name().removePrefix(prefix), tensor.dtype(), tensor.shape(), tensor.body())

    private fun requireRoom(directory: Path) {
        val target = directory.toAbsolutePath()
        if (Files.exists(target) && !(Files.isDirectory(target) && Files.list(target).use { it.findAny().isEmpty })) {
            throw MappingException("$directory: it exists already and is not an empty folder. Name a new folder; nothing is overwritten.")
        }
        if (!Files.isDirectory(target.parent)) throw MappingException("$directory: the folder ${target.parent} does not exist")
        if (!Files.isWritable(target.parent)) throw MappingException("$directory: the folder ${target.parent} may not be written to")
    }

    private fun delete(folder: Path) {
        if (Files.exists(folder)) Files.walk(folder).use { all -> all.sorted(Comparator.reverseOrder()).forEach(Files::deleteIfExists) }
    }
}
