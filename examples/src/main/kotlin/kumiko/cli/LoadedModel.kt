package kumiko.cli

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.architectures.Maps
import kumiko.cli.parity.CheckpointAlternatives
import kumiko.cli.parity.GraphAlternatives
import kumiko.cli.parity.HeadOrders
import kumiko.cli.parity.ParityModel
import kumiko.cli.parity.Variant
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.LoadedWeights
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Quantisation
import java.nio.file.Path

/** A checkpoint that is ready to run. Closing ends the life of its weights. */
internal class LoadedModel(val checkpoint: CheckpointModel, val weights: LoadedWeights) : AutoCloseable {
    val spec: ModelSpec get() = checkpoint.spec
    val name: String get() = spec.name
    val graph: Graph by lazy { spec.compile() }

    /** Its name, and what its weights are kept in where that is not as they are stored. */
    val described: String get() = weights.quantisation().let { if (it is Quantisation.None) name else "$name in $it" }

    fun forParity(): ParityModel {
        val orders = HeadOrders.of(checkpoint.account)
        val variant = Variant(graph, weights, orders::of)
        val files = CheckpointAlternatives(checkpoint, variant, orders)
        return ParityModel(
            name,
            variant,
            checkpoint.spec.layers.takeUnless {
                checkpoint.isWhole
            },
        ) { inside -> GraphAlternatives(variant, inside).all() + files.all(inside) }
    }

    override fun close() {
        weights.close()
        checkpoint.close()
    }
}

/**
 * Opens a checkpoint by the map that fits it, all of it or its first [layers], with its weights in [quantisation], and with a tuned
 * [prefix]; what it does is shown on [terminal].
 */
internal fun loadModel(
    path: Path,
    layers: IntRange? = null,
    terminal: Terminal? = null,
    quantisation: Quantisation = Quantisation.None(),
    prefix: Path? = null,
): LoadedModel {
    beginKernels()
    val checkpoint = CheckpointModel.open(path, Maps, layers = layers, prefix = prefix)
    try {
        fastestKernels()
        return LoadedModel(checkpoint, if (terminal == null) checkpoint.load(quantisation) else checkpoint.load(terminal, quantisation))
    } catch (e: Throwable) {
        checkpoint.close()
        throw e
    }
}

/** Loads, and shows by layer and bytes how far it has come. */
internal fun CheckpointModel.load(terminal: Terminal, quantisation: Quantisation = Quantisation.None()): LoadedWeights =
    Progress(terminal, "loading $directory").use { progress ->
        load(quantisation) {
            if (!progress.isDue) return@load
            val layer = it.layer?.let { n -> "layer $n, " }.orEmpty()
            progress.at(it.bytes, it.totalBytes, "$layer${bytes(it.bytes)} of ${bytes(it.totalBytes)}")
        }
    }

/** What the runtime refuses about the arguments of [run] is for the user: it says what, where and what to do. */
internal fun <T> refusing(run: () -> T): T = try {
    run()
} catch (e: IllegalArgumentException) {
    refuse(e.message ?: throw e)
}
