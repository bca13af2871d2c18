package kumiko.dsl.mapping

import kotlinx.serialization.Serializable
import kotlinx.serialization.json.Json
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.Tensor
import java.nio.file.Files
import java.nio.file.Path

/**
 * A file beside a converted checkpoint with what its layout cannot hold of the layouts it came from: the parts of sums and means, keys
 * that are no weights, the configuration file, the spelling of keys. A conversion back takes it up, and gives the first checkpoint byte
 * for byte. Without the file a conversion back is complete too, but parts are dealt out anew.
 */
internal class Remainder private constructor(private val file: TensorFile) : AutoCloseable {
    /** What is told of a layout besides tensors. [keys] are all its keys, as `FILE/KEY`. */
    @Serializable
    private class Note(val keys: List<String>, val config: String? = null)

    override fun close() = file.close()

    /** What is kept of a layout. */
    fun keepsakes(map: CheckpointMap, shards: Int): Keepsakes? = file.metadata()[layout(map, shards)]?.let { note ->
        Kept(layout(map, shards), Json.decodeFromString(Note.serializer(), note))
    }

    private inner class Kept(private val layout: String, private val note: Note) : Keepsakes {
        private val keys = note.keys.toSet()
        private val used = HashSet<String>()

        override val files: Set<String> = keys.mapTo(LinkedHashSet()) { it.substringBefore('/') }

        override fun key(route: Route, shard: Int): String? = route.files[shard].firstNotNullOfOrNull { file ->
            listOfNotNull(route.key, route.stripPrefix?.plus(route.key)).firstOrNull { "$file/$it" in keys }
        }

        override fun parts(route: Route): List<Tensor>? {
            val names = route.files.indices.map { shard -> key(route, shard)?.let { k -> place(route, shard, k) } ?: return null }
            if (!names.all(file::contains)) return null
            used += names
            return names.map(file::tensor)
        }

        private fun place(route: Route, shard: Int, key: String): String? =
            route.files[shard].firstOrNull { "$it/$key" in keys }?.let { "$layout/$it/$key" }

        /** Whatever is kept and is no part of a merge; asked for when all routes were placed. */
        override fun ignored() = file.names().filter { it.startsWith("$layout/") && it !in used }.map { name ->
            val (_, logical, key) = name.split('/', limit = 3)
            logical to Keepsakes.Named(key, file.tensor(name))
        }

        override fun config(file: String): String? = note.config
    }

    companion object {
        const val FILE = "kumiko-remainder.safetensors"

        private fun layout(map: CheckpointMap, shards: Int) = "${map.name}@$shards"

        /** The remainder beside a checkpoint, if there is one. */
        fun open(directory: Path): Remainder? = directory.resolve(FILE).takeIf(Files::isRegularFile)?.let { Remainder(TensorFile.open(it)) }

        /** Writes what [model] holds that the layout of [target] cannot: its own, and what it brought along itself. */
        fun write(folder: Path, model: CheckpointModel, brought: Remainder?, target: CheckpointMap, shards: Int) {
            val tensors = ArrayList<TensorSource>()
            val notes = LinkedHashMap<String, String>()
            val (own, next) = layout(model.map, model.shards) to layout(target, shards)
            if (own != next) {
                tensors += kept(model).map { TensorSource.of("$own/${model.logicalFile(it)}/${it.key}", model.tensor(it)) }
                notes[own] = Json.encodeToString(Note.serializer(), note(model))
            }
            brought?.file?.let { file ->
                val others = file.metadata().filterKeys { it != own && it != next }
                notes += others
                tensors += file.names().filter { it.substringBefore('/') in others }.map { TensorSource.of(it, file.tensor(it)) }
            }
            if (notes.isNotEmpty()) SafetensorsWriter.write(folder.resolve(FILE), tensors, notes)
        }

        private fun kept(model: CheckpointModel): List<StoredTensor> {
            val lossy = model.account.matched.filter {
                it.parts.size > 1 && it.route.rule.merge.let { m -> m == Merge.SUM || m == Merge.MEAN }
            }
            return lossy.flatMap { it.parts } + model.account.ignored.map { it.tensor }
        }

        private fun note(model: CheckpointModel): Note {
            val stored = model.account.matched.flatMap { it.parts } + model.account.ignored.map { it.tensor }
            return Note(stored.map { "${model.logicalFile(it)}/${it.key}" }, model.map.config?.let { model.configText(it.file) })
        }
    }
}
