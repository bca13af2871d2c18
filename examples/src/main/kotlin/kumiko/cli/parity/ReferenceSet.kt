package kumiko.cli.parity

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kumiko.cli.refuse
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Tensor
import java.nio.file.Files
import java.nio.file.Path

/**
 * What an original implementation computed: token ids, and the values it had for them. Read from a folder with `input.json`,
 * `expected.safetensors` and `reference.json`, or from one trace file.
 *
 * @property tolerances by tensor name; empty where the reference says nothing about its own rounding
 * @property tensors the file with the values
 * @property informative tensors that the reference describes without a tolerance: results in another type, not to be compared
 */
internal class ReferenceSet private constructor(
    val source: Path,
    val sequences: List<IntArray>,
    private val prefix: (Int) -> String,
    val tolerances: Map<String, Double>,
    private val informative: Set<String>,
    val tensors: Path,
    private val file: TensorFile,
) : AutoCloseable {
    /** The tensors of a sequence that stand for nodes of a graph. */
    fun names(sequence: Int): List<String> = file.names().filter { it.startsWith(prefix(sequence)) }
        .map { it.removePrefix(prefix(sequence)) } - setOf(GENERATED, GENERATED_LOGITS) - GIVEN - informative

    fun tensor(sequence: Int, name: String): Tensor = file.tensor(prefix(sequence) + name)

    /** The greedy continuation, or null where the reference has none. */
    fun generated(sequence: Int): List<Int>? = optional(sequence, GENERATED)?.let { tensor ->
        List(tensor.shape().elements().toInt()) { Elements.get(tensor.dtype(), tensor.data(), it.toLong()).toInt() }
    }

    /** `[tokens, vocab]`: the logits that chose each generated token. */
    fun generatedLogits(sequence: Int): Tensor? = optional(sequence, GENERATED_LOGITS)

    private fun optional(sequence: Int, name: String) = (prefix(sequence) + name).takeIf(file::contains)?.let(file::tensor)

    override fun close() = file.close()

    @Serializable
    private data class Input(val sequences: List<List<Int>>, @SerialName("max_new_tokens") val tokens: Int = 0)

    @Serializable
    private data class Tolerance(@SerialName("suggested_atol") val atol: Double? = null)

    @Serializable
    private data class Description(val tolerance: Map<String, Tolerance> = emptyMap())

    companion object {
        private const val GENERATED = "generated"
        private const val GENERATED_LOGITS = "generated_logits"

        /** What the original was given: a session derives them from the ids itself, and every node depends on them. */
        private val GIVEN = setOf("position_ids", "attention_mask")
        private val json = Json { ignoreUnknownKeys = true }

        /** The key under which a trace file carries the ids it was made from. */
        const val IDS = "ids"

        fun open(path: Path): ReferenceSet = if (Files.isDirectory(path)) folder(path) else trace(path)

        private fun folder(path: Path): ReferenceSet {
            val input = read<Input>(path.resolve("input.json"))
            val description = path.resolve("reference.json").takeIf(Files::exists)?.let { read<Description>(it) } ?: Description()
            if (input.sequences.isEmpty()) refuse("$path: input.json has no sequences, so there is nothing to compare.")
            return ReferenceSet(
                path,
                input.sequences.map { it.toIntArray() },
                { "seq$it." },
                description.tolerance.mapNotNull { (name, tolerance) -> tolerance.atol?.let { name to it } }.toMap(),
                description.tolerance.filterValues { it.atol == null }.keys,
                path.resolve("expected.safetensors"),
                TensorFile.open(path.resolve("expected.safetensors")),
            )
        }

        private inline fun <reified T> read(file: Path): T {
            if (!Files.isRegularFile(file)) {
                refuse("$file: there is no such file. A reference is a folder with input.json and expected.safetensors, or a trace file.")
            }
            return try {
                json.decodeFromString<T>(Files.readString(file))
            } catch (e: SerializationException) {
                refuse("$file: ${e.message?.lineSequence()?.first()}")
            }
        }

        private fun trace(path: Path): ReferenceSet {
            val file = TensorFile.open(path)
            val ids = file.metadata()[IDS]?.split(',')?.map { it.trim().toIntOrNull() }
            if (ids == null || null in ids) {
                file.close()
                refuse("$path: does not say which token ids it was made from; a trace has them in its metadata as \"$IDS\".")
            }
            return ReferenceSet(path, listOf(ids.filterNotNull().toIntArray()), { "" }, emptyMap(), emptySet(), path, file)
        }
    }
}
