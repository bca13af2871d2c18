package kumiko.dsl.mapping

import kumiko.dsl.compile.compile
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.withLayers
import kumiko.runtime.run.Quantisation
import kumiko.runtime.tensor.Tensor
import java.nio.file.Files
import java.nio.file.Path

/**
 * A published checkpoint, understood: which map fits it, the spec that its configuration describes, and what became of every key. Only
 * headers were read. [spec] is the model that [load] fills; with a part of the layers it is shorter than the checkpoint.
 */
class CheckpointModel internal constructor(
    val directory: Path,
    val map: CheckpointMap,
    val spec: ModelSpec,
    val account: KeyAccount,
    /** The keys of which the bytes decided whether they repeat a parameter or are one of their own. */
    val ties: List<Tie>,
    private val source: CheckpointSource,
    private val wholeLayers: Int,
) : AutoCloseable {
    /** Whether all layers of the checkpoint are loaded. */
    val isWhole: Boolean get() = spec.layers == wholeLayers

    /** In how many tensor-parallel shards the checkpoint lies. */
    val shards: Int get() = source.keys.shards

    /** The map's names of the files that are there. */
    internal val files: Set<String> get() = source.keys.files.keys

    internal fun tensor(stored: StoredTensor): Tensor = source.tensor(stored)

    internal fun logicalFile(stored: StoredTensor): String = source.keys.files.entries.first { stored in it.value }.key

    internal fun configText(file: String): String? = directory.resolve(file).takeIf(Files::isRegularFile)?.let(Files::readString)

    /**
     * Views of all parameters. With a [quantisation] the linear layers of the blocks get a copy of their weights, made by [threads]
     * threads and off the heap; [progress] then tells of the copies.
     *
     * @throws MappingException if [account] has problems, copies that should agree do not, or a weight cannot be quantised
     */
    fun load(
        quantisation: Quantisation = Quantisation.None(),
        threads: Int = Runtime.getRuntime().availableProcessors(),
        progress: (LoadProgress) -> Unit = {},
    ): LoadedWeights {
        if (quantisation is Quantisation.None) return WeightLoader.load(account, source, progress)
        val loaded = WeightLoader.load(account, source)
        try {
            return loaded.quantised(spec.compile(), quantisation, threads, progress)
        } catch (e: Throwable) {
            loaded.close()
            throw if (e is IllegalArgumentException) MappingException(e.message!!) else e
        }
    }

    override fun close() = source.close()

    companion object {
        /**
         * Opens a checkpoint: a directory, or a file in it. Without [map] the one of [catalog] that fits is found by files, configuration
         * and keys; without [spec] the configuration file is read. With [layers], such as `0..3`, only these blocks are loaded, and
         * files of the others may be absent. With [prefix], the folder of a tuned prefix, its configuration says what the prefix is and
         * its weights are taken beside the checkpoint's.
         *
         * @throws MappingException if no map fits, saying for each why, if the configuration cannot be understood, or if [layers] are not
         *     the first of the model. A checkpoint whose keys do not fit [map] is opened; its [account] has the problems.
         */
        fun open(
            path: Path,
            catalog: Catalog,
            map: CheckpointMap? = null,
            spec: ModelSpec? = null,
            layers: IntRange? = null,
            prefix: Path? = null,
        ): CheckpointModel {
            val directory = directory(path)
            val opening = Opening(directory, catalog, spec, layers, prefix?.let(::directory))
            val opened = if (map != null) opening.through(map) else Recognition(directory, catalog, opening).find()
            if (layers != null && (layers.first != 0 || layers.last !in 0 until opened.wholeLayers)) {
                opened.close()
                throw MappingException(
                    "$directory has the layers 0..${opened.wholeLayers - 1}, and ${layers.first}..${layers.last} was asked for. " +
                        "A part of a model begins at layer 0 and ends at one of its layers.",
                )
            }
            return opened
        }

        private fun directory(path: Path): Path = when {
            Files.isDirectory(path) -> path
            Files.exists(path) -> path.toAbsolutePath().parent
            else -> throw MappingException("$path: there is no such file or directory. Check the path for a typing mistake.")
        }
    }
}
