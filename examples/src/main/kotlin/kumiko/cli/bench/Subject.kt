package kumiko.cli.bench

import kumiko.cli.LoadedModel
import kumiko.cli.loadModel
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Quantisation
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import java.nio.file.Path

/** What is measured: a graph and its weights. */
internal interface Subject : AutoCloseable {
    val name: String

    /** Where the weights come from, for people. */
    val origin: String

    /** Whether the weights are files. */
    val isStored: Boolean

    val weights: Weights

    /** Made anew by every call. */
    fun graph(): Graph
}

/** A checkpoint, read as it is stored. */
internal class CheckpointSubject(path: Path, quantisation: Quantisation = Quantisation.None()) : Subject {
    private val model: LoadedModel = loadModel(path, quantisation = quantisation)

    override val name: String get() = model.name
    override val origin: String = if (quantisation is Quantisation.None) "$path" else "$path, blocks in $quantisation"
    override val isStored: Boolean get() = true
    override val weights: Weights get() = model.weights

    override fun graph(): Graph = model.spec.compile()

    override fun close() = model.close()
}

/** A model without weights: random ones are made in memory. */
internal class MadeSubject(private val spec: ModelSpec, dtype: DType) : Subject {
    private val made = MadeWeights(spec, dtype)

    override val name: String get() = spec.name
    override val origin: String = "random weights of $dtype in memory"
    override val isStored: Boolean get() = false
    override val weights: Weights get() = made

    override fun graph(): Graph = spec.compile()

    override fun close() = made.close()
}
