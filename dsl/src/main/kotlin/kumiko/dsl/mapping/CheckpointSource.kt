package kumiko.dsl.mapping

import kumiko.dsl.mapping.KeyTemplate.Binding
import kumiko.dsl.mapping.KeyTemplate.Variable
import kumiko.runtime.checkpoint.Checkpoint
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.tensor.Tensor
import java.nio.file.Files
import java.nio.file.Path

/**
 * The files of a directory that a map speaks of, opened: headers only. A file may lie in parts with an index (`NAME.index.json`) beside
 * it. Closing ends the life of every tensor taken from it.
 */
class CheckpointSource private constructor(private val directory: Path) : AutoCloseable {
    private val files = HashMap<String, TensorFile>()
    private val checkpoints = ArrayList<Checkpoint>()

    lateinit var keys: KeyList
        private set

    /** A view of the mapped file. */
    fun tensor(stored: StoredTensor): Tensor = files.getValue(stored.file).tensor(stored.key)

    override fun close() {
        files.values.forEach(TensorFile::close)
        checkpoints.forEach(Checkpoint::close)
    }

    private fun open(map: CheckpointMap, layers: Int, beside: Path?) {
        val present = FileNames.list(directory)
        val more = beside?.let(FileNames::list).orEmpty()
        val shards = FileNames.shards(map, present, layers, directory)
        val wanted = map.sections.flatMap { section -> FileNames.of(section, layers, shards) }.distinct()
        val found = LinkedHashMap<String, List<StoredTensor>>()
        for (names in wanted) {
            val name = names.firstOrNull { it in present || index(it) in present } ?: continue
            if (name in found) continue
            val other = names.firstOrNull { it in more || index(it) in more }
            found[name] = tensors(directory, name, name in present) + other?.let { tensors(beside!!, it, it in more) }.orEmpty()
        }
        keys = KeyList(found, shards, FileNames.strays(map, present, layers) - found.keys)
    }

    private fun index(name: String) = "$name.index.json"

    private fun tensors(folder: Path, name: String, single: Boolean): List<StoredTensor> {
        if (single) return entries(folder, name, TensorFile.open(folder.resolve(name)))
        val checkpoint = Checkpoint.open(folder.resolve(index(name))).also { checkpoints += it }
        return checkpoint.files().flatMap { entries(folder, it, checkpoint.file(it)) }
    }

    private fun entries(folder: Path, name: String, file: TensorFile): List<StoredTensor> {
        val label = if (folder == directory) name else "${folder.resolve(name)}"
        files[label] = file
        return file.names().map { key -> file.entry(key).let { StoredTensor(label, key, it.dtype(), it.shape()) } }
    }

    companion object {
        /**
         * Opens the files of [map] in [directory], for a model of [layers] layers, and with them those of the same names in [beside].
         *
         * @throws MappingException if shards are missing; a [kumiko.runtime.checkpoint.CheckpointException] if a file is damaged
         */
        fun open(directory: Path, map: CheckpointMap, layers: Int, beside: Path? = null): CheckpointSource {
            val source = CheckpointSource(directory)
            try {
                source.open(map, layers, beside)
                return source
            } catch (e: Throwable) {
                source.close()
                throw e
            }
        }
    }
}

/** Which files of a directory a map speaks of. */
internal object FileNames {
    fun list(directory: Path): Set<String> = if (!Files.isDirectory(directory)) {
        throw MappingException("$directory: there is no such directory")
    } else {
        Files.list(directory).use { all -> all.map { it.fileName.toString() }.toList().toSortedSet() }
    }

    /** The files of a section, alternatives together. */
    fun of(section: MapSection, layers: Int, shards: Int): List<List<String>> {
        val numbers = if (section.file.has(Variable.LAYER)) (0 until layers).toList() else listOf(null)
        val parts = if (section.file.has(Variable.SHARD)) (0 until shards).toList() else listOf(null)
        return numbers.flatMap { i -> parts.map { s -> Routes.fileNames(section.file, Binding(i, s, layers)) } }
    }

    /** How many shards there are, counted from the files; 1 where the map has none. */
    fun shards(map: CheckpointMap, present: Set<String>, layers: Int, directory: Path): Int {
        val sharded = map.sections.map { it.file }.filter { it.has(Variable.SHARD) }
        val found = sharded.flatMap { file -> present.mapNotNull { file.match(it, layers)?.shard } }.toSortedSet()
        if (found.isEmpty()) return 1
        val absent = (0 until found.size).firstOrNull { it !in found }
        if (absent != null) {
            throw MappingException(
                "$directory: shards ${found.joinToString(
                    ", ",
                )} are there, but shard $absent is not. Fetch the missing files; shards count from 0.",
            )
        }
        return found.size
    }

    /** Files named like the map's, of layers that the model does not have. */
    fun strays(map: CheckpointMap, present: Set<String>, layers: Int): List<String> {
        val layered = map.sections.map { it.file }.filter { it.has(Variable.LAYER) }
        val known = map.sections.map { it.file }.filter { !it.has(Variable.LAYER) }
        return present.filter { name ->
            layered.any { file -> file.match(name, layers)?.let { it.layer!! >= layers } == true } &&
                known.none { it.match(name, layers) != null }
        }
    }
}
