package kumiko.dsl.mapping

import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.MemorySegment
import java.nio.ByteBuffer
import java.nio.channels.WritableByteChannel

/**
 * What becomes of a checkpoint when its map is followed forward and then backward.
 *
 * @property tensors how many were held against their bytes
 * @property different those that came out otherwise, as `FILE/KEY`, with the reason
 */
class RoundTrip internal constructor(val tensors: Int, val different: List<String>)

/** Makes every tensor of this checkpoint again from [weights], its own, and holds it against the bytes it was read from. No file is written. */
fun CheckpointModel.roundTrip(weights: LoadedWeights): RoundTrip {
    val stored = (account.matched.flatMap { it.parts } + account.ignored.map { it.tensor }).associateBy { "${logicalFile(it)}/${it.key}" }
    val made = ExportPlan(map, spec, LoadedParameters(weights), shards, OwnKeepsakes(this)).files.flatMap { (file, sources) ->
        sources.map { "$file/${it.name()}" to it }
    }.toMap()
    val different = made.mapNotNull { (name, source) ->
        val why = stored[name]?.let { difference(source, tensor(it)) } ?: "is new".takeIf { name !in stored }
        why?.let { "$name $it" }
    } + (stored.keys - made.keys).map { "$it is not written" }
    return RoundTrip(made.size, different)
}

private fun difference(source: TensorSource, tensor: Tensor): String? {
    if (source.dtype() != tensor.dtype() || source.shape() != tensor.shape()) {
        return "is ${source.dtype()} ${source.shape()}, but was ${tensor.dtype()} ${tensor.shape()}"
    }
    val comparison = Comparison(tensor.data())
    source.body().writeTo(comparison)
    return comparison.difference?.let { "differs at byte $it" } ?: "is too short".takeIf { !comparison.complete }
}

/** Takes bytes and forgets them, once they were compared. */
private class Comparison(private val expected: MemorySegment) : WritableByteChannel {
    private var at = 0L

    /** The first byte that is another. */
    var difference: Long? = null
        private set

    val complete: Boolean get() = at == expected.byteSize()

    override fun write(bytes: ByteBuffer): Int {
        val count = bytes.remaining()
        val part = expected.asSlice(at, minOf(count.toLong(), expected.byteSize() - at))
        val mismatch = part.mismatch(MemorySegment.ofBuffer(bytes))
        if (difference == null && mismatch >= 0) difference = at + mismatch
        at += count
        bytes.position(bytes.limit())
        return count
    }

    override fun isOpen(): Boolean = true

    override fun close() = Unit
}
