package kumiko.cli.card

import kotlinx.serialization.Serializable

/**
 * What was verified of a checkpoint. All but [measured] is the same on every machine, so that a card can be made again and compared.
 *
 * @property model what the checkpoint's folder is called; not compared
 * @property spec SHA-256 of the canonical spec file, under the name of the built-in model that the map is for
 * @property parity null where there was no reference
 */
@Serializable
internal data class Card(
    val schema: String,
    val model: String,
    val spec: String,
    val map: MapCard,
    val parameters: Long,
    val files: List<FileCard>,
    val keys: KeysCard,
    val roundTrip: RoundTripCard,
    val parity: ParityCard?,
    val greedy: List<GreedyCard>,
    val measured: MeasuredCard,
) {
    /** Whether everything that was checked is as it should be. */
    val good: Boolean get() = keys.problems == 0 && roundTrip.different.isEmpty() && parity?.good != false

    companion object {
        const val SCHEMA = "verification-card/1"
    }
}

/** The layout: its name, the SHA-256 of its mapping file, in how many tensor-parallel shards the checkpoint lies. */
@Serializable
internal data class MapCard(val name: String, val sha256: String, val shards: Int)

@Serializable
internal data class FileCard(val name: String, val bytes: Long, val sha256: String)

/** How many keys fill a parameter, repeat one, or are no weights; how many parameters there are. */
@Serializable
internal data class KeysCard(val filling: Int, val tied: Int, val ignored: Int, val parameters: Int, val problems: Int)

/** How many tensors were made again from the parameters and held against their bytes, and those that differ. */
@Serializable
internal data class RoundTripCard(val tensors: Int, val different: List<String>)

/** What the original implementation computes, and how far this one is from it. */
@Serializable
internal data class ParityCard(
    val reference: FileCard,
    val sequences: Int,
    val nodes: List<NodeCard>,
    val continuations: Int,
    val equal: Int,
) {
    val good: Boolean get() = continuations == equal && nodes.all { it.float32 == "within" && it.float64 == "within" }
}

/**
 * One tensor of a reference in the sequence where it is furthest off. In float32 lanes and order of summation are the processor's, so only
 * the verdict is compared; in float64 what is left is the rounding of the reference itself, the same on every machine.
 *
 * @property maxAbs64 the largest error in float64
 */
@Serializable
internal data class NodeCard(
    val node: String,
    val reference: String,
    val tolerance: Double,
    val float32: String,
    val float64: String,
    val maxAbs64: Double,
)

/** The most likely continuation of [prompt]; it ends early where the two best tokens are too near to be the same on every machine. */
@Serializable
internal data class GreedyCard(val prompt: List<Int>, val tokens: List<Int>)

/** What is another on every machine and in every run: told, never compared. */
@Serializable
internal data class MeasuredCard(
    val kumiko: String,
    val java: String,
    val system: String,
    val kernels: String,
    val loadMillis: Long,
    val prefillTokensPerSecond: Double,
    val decodeTokensPerSecond: Double,
    /** Node to its largest error in float32. */
    val maxAbs32: Map<String, Double>,
)
