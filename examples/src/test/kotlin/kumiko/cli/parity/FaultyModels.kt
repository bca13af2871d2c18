package kumiko.cli.parity

import kumiko.architectures.Architectures
import kumiko.architectures.Maps
import kumiko.cli.LoadedModel
import kumiko.cli.fastestKernels
import kumiko.cli.options
import kumiko.cli.tiny
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.ParameterSource
import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.mapping.Target
import kumiko.dsl.spec.BlockPositions
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena
import java.nio.file.Files
import java.nio.file.Path

/** Which tensors a reference has. */
internal enum class Kept {
    /** Every node of the graph. */
    ALL,

    /** What forward hooks on the modules of an original implementation can see. */
    HOOKS,
    ;

    fun keeps(node: String): Boolean = this == ALL || HOOKED.any { it.matches(node) }

    private companion object {
        val HOOKED = listOf(
            "embedding",
            "blocks\\.[0-9]+",
            "blocks\\.[0-9]+\\.attention\\.(out|probabilities)",
            "blocks\\.[0-9]+\\.ffn\\.down",
            "blocks\\.[0-9]+\\.attention\\.(query|key)(\\.rotary)?",
            "head\\.norm",
            "logits",
        ).map(::Regex)
    }
}

/** A tiny model of a family, its checkpoint without a fault, and ways to understand or to write it wrongly. */
internal class FaultyModels(
    family: String,
    private val mapName: String,
    private val root: Path,
    private val shards: Int = 1,
    change: (ModelSpec) -> ModelSpec = { it },
) {
    val spec: ModelSpec = change(Architectures[family].tiny())
    val map: CheckpointMap = Maps[mapName]

    /** Token ids that suit the positions of every family. */
    private val ids = spec.positions.let { positions ->
        val inside = intArrayOf(3, 14, 15, 92, 65, 35)
        inside + (
            if (positions is BlockPositions) {
                intArrayOf(
                    positions.generation,
                    positions.start,
                )
            } else {
                intArrayOf(8, 97)
            }
            ) + intArrayOf(9, 26)
    }

    /** Writes the weights; [change] may spoil one. */
    fun write(
        name: String,
        map: CheckpointMap = this.map,
        spec: ModelSpec = this.spec,
        change: (Target, Matrix, Arena) -> Matrix = { _, m, _ -> m },
    ): Path = root.resolve(name).also { folder ->
        if (!Files.exists(folder)) CheckpointExport(map, spec, shards).write(folder, Spoilt(change), Maps)
    }

    fun open(folder: Path = write("good"), spec: ModelSpec = this.spec, map: CheckpointMap = this.map): LoadedModel {
        val checkpoint = CheckpointModel.open(folder, Maps, map, spec)
        return LoadedModel(checkpoint, checkpoint.load())
    }

    /** The map with other words. */
    fun map(vararg changes: Pair<String, String>): CheckpointMap {
        val text = Maps::class.java.getResource("$mapName.keys.json")!!.readText()
        val changed = changes.fold(text) { t, (from, to) -> t.replace(from, to).also { check(it != t) { "$mapName has no $from" } } }
        return CheckpointMap.parse("$mapName.keys.json", changed)
    }

    /** What [model] computes, as a reference; [edit] may change values on the way, [spoil] the numbers that are written. */
    fun reference(model: LoadedModel, kept: Kept, edit: ValueEdit? = null, spoil: (String, Double) -> Double = { _, x -> x }): Path {
        val file = Files.createTempFile(root, "reference", ".safetensors")
        val options = options(1, fastestKernels()).capture("*").replace(*edit?.nodes.orEmpty().toTypedArray())
        Arena.ofConfined().use { arena ->
            val values = Tracer(model.graph, model.weights, options, ids.size).use { it.run(ids, arena, edit?.apply) }
            val tensors = values.filter { kept.keeps(it.node) }.map { value ->
                val data = value.float32(arena)
                for (i in 0..<value.shape.elements()) Elements.set(DType.F32, data, i, spoil(value.node, Elements.get(DType.F32, data, i)))
                TensorSource.of(value.node, DType.F32, value.shape, listOf(data))
            }
            SafetensorsWriter.write(file, tensors, mapOf(ReferenceSet.IDS to ids.joinToString(",")))
        }
        return file
    }

    fun compare(model: LoadedModel, reference: Path, atol: Double = ATOL): ParityReport = ReferenceSet.open(reference).use { set ->
        ParityRun(model.forParity(), set, options(1), Tolerances(set, atol, 1.0)).run()
    }

    private class Spoilt(private val change: (Target, Matrix, Arena) -> Matrix) : ParameterSource {
        private val random = RandomParameters(7, DType.F32)

        override fun dtype(parameter: Target): DType = DType.F32

        override fun get(parameter: Target, arena: Arena): Matrix =
            Dense.copy(change(parameter, random.get(parameter, arena), arena), arena)
    }

    companion object {
        /** Float32 of values around one. */
        const val ATOL = 1e-5
    }
}
