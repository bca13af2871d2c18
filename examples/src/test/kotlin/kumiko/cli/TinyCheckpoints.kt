package kumiko.cli

import kumiko.architectures.Maps
import kumiko.architectures.gpt2
import kumiko.architectures.llama3_8b
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.ParameterSource
import kumiko.dsl.mapping.Target
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.shrunk
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.nio.file.Path
import kotlin.random.Random

/** Small checkpoints in published layouts, with weights from a seed. */
internal object TinyCheckpoints {
    /** The vocabulary of [kumiko.cli.text.TinyTokenizers.gpt2], sixteen learned positions. */
    fun gpt2(folder: Path): Path = changed(folder, null)

    /** As [gpt2], but the parameter of this name has other values. */
    fun changed(folder: Path, parameter: String?): Path =
        write("gpt2-hf", gpt2.shrunk(2, "vocab" to 262, "context" to 16, "embed" to 24, "heads" to 3), folder, parameter)

    /** With reordered rotary rows and no end of positions. */
    fun llama(folder: Path): Path = write(
        "llama-hf",
        llama3_8b.shrunk(2, "vocab" to 40, "embed" to 32, "heads" to 4, "kvHeads" to 2, "hidden" to 44),
        folder,
        null,
    )

    private fun write(map: String, spec: ModelSpec, folder: Path, changed: String?): Path {
        CheckpointExport(Maps[map], spec).write(folder, Seeded(changed), Maps)
        return folder
    }

    /** The parameter called [changed] has other values than it has otherwise. */
    private class Seeded(private val changed: String?) : ParameterSource {
        override fun dtype(parameter: Target): DType = DType.F32

        override fun get(parameter: Target, arena: Arena): Matrix {
            val random = Random(parameter.name.hashCode() + if (parameter.name == changed) 1 else 0)
            val shape = Shape.of(*parameter.shape.map(Int::toLong).toLongArray())
            val data = arena.allocate(DType.F32.bytes(shape.elements()), 64)
            val gain = if (parameter.name.endsWith("norm.weight")) 1.0 else 0.0
            for (i in 0..<shape.elements()) Elements.set(DType.F32, data, i, gain + random.nextDouble(-0.5, 0.5))
            return Matrix.of(Tensor(DType.F32, shape, data))
        }
    }
}
