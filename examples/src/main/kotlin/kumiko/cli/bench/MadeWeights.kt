package kumiko.cli.bench

import kumiko.cli.bytes
import kumiko.cli.refuse
import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.mapping.Target
import kumiko.dsl.mapping.targets
import kumiko.dsl.spec.ModelSpec
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena
import java.lang.management.ManagementFactory
import com.sun.management.OperatingSystemMXBean as Machine

/**
 * Weights to measure speed with, made in memory: vectors are random, matrices are those of [MadeMatrices]. Under a block type vectors
 * are float32.
 */
internal class MadeWeights(spec: ModelSpec, private val dtype: DType, private val memory: Long = installedMemory()) :
    Weights,
    AutoCloseable {
    private val arena = Arena.ofShared()
    private val matrices = MadeMatrices(dtype, arena)
    private val vectors = RandomParameters(SEED, if (dtype.blockElements() > 1) DType.F32 else dtype)
    private val parameters: Map<String, Matrix>

    init {
        val targets = spec.targets().all
        requireBlocks(spec, targets)
        requireRoom(spec, targets)
        parameters = targets.associate { it.name to if (it.shape.size == 1) vectors.get(it, arena) else matrices.make(it.rows, it.columns) }
    }

    private fun requireBlocks(spec: ModelSpec, targets: Collection<Target>) {
        val broken = targets.firstOrNull { it.shape.size > 1 && it.columns % dtype.blockElements() != 0 } ?: return
        refuse(
            "${spec.name}: ${broken.name} ${broken.text} has rows of ${broken.columns} numbers, but $dtype stores blocks of " +
                "${dtype.blockElements()}. Choose another --dtype.",
        )
    }

    private fun requireRoom(spec: ModelSpec, targets: Collection<Target>) {
        val needed = targets.sumOf { (if (it.shape.size == 1) DType.F32 else dtype).bytes(it.rows.toLong() * it.columns) }
        if (needed > memory - RESERVE) {
            refuse(
                "${spec.name} in $dtype is ${bytes(needed)} of weights, which are made in memory, but this machine has ${bytes(memory)}, " +
                    "of which the measurement and the system need ${bytes(
                        RESERVE,
                    )}. Choose a smaller --dtype, or measure a checkpoint, which is read from its files.",
            )
        }
    }

    override fun get(name: String): Matrix? = parameters[name]

    override fun close() = arena.close()

    private companion object {
        const val SEED = 1L
    }
}

/** What the system, the caches and the measurement of the machine need beside the weights. */
internal const val RESERVE = 2L shl 30

internal fun installedMemory(): Long = (ManagementFactory.getOperatingSystemMXBean() as Machine).totalMemorySize
