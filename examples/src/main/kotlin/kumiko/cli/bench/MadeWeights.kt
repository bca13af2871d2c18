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
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import java.lang.management.ManagementFactory
import java.util.SplittableRandom
import kotlin.math.sqrt
import com.sun.management.OperatingSystemMXBean as Machine

/**
 * Weights to measure speed with, made in memory at the speed of memory: vectors are random, a matrix repeats a random pattern whose
 * length is prime, so that no two of its rows are alike. Under a block type vectors are float32.
 */
internal class MadeWeights(spec: ModelSpec, private val dtype: DType, private val memory: Long = installedMemory()) :
    Weights,
    AutoCloseable {
    private val arena = Arena.ofShared()
    private val random = SplittableRandom(SEED)
    private val vectors = RandomParameters(SEED, if (dtype.blockElements() > 1) DType.F32 else dtype)
    private val parameters: Map<String, Matrix>

    init {
        val targets = spec.targets().all
        requireBlocks(spec, targets)
        requireRoom(spec, targets)
        parameters = targets.associate { it.name to if (it.shape.size == 1) vectors.get(it, arena) else matrix(it) }
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
                "${spec.name} in $dtype is ${bytes(needed)} of weights, which are made in memory, but this machine has ${bytes(memory)}. " +
                    "Choose a smaller --dtype, or measure a checkpoint, which is read from its files.",
            )
        }
    }

    private fun matrix(target: Target): Matrix {
        val data = arena.allocate(dtype.bytes(target.rows.toLong() * target.columns), ALIGNMENT)
        repeat(data, pattern(target.columns))
        return Matrix.of(Tensor(dtype, Shape.of(target.rows.toLong(), target.columns.toLong()), data))
    }

    private fun pattern(columns: Int): MemorySegment = when (dtype) {
        DType.Q8_0 -> blocks(columns, levels = 127)

        DType.Q4_0 -> blocks(columns, levels = 8)

        else -> RandomParameters(SEED, dtype).get(Target("pattern", listOf(PERIOD / columns + 1, columns)), arena).slabs()[0].data()
            .asSlice(0, dtype.bytes(PERIOD.toLong()))
    }

    /** Random bits, with the scale that makes them as large as the numbers of the other types. */
    private fun blocks(columns: Int, levels: Int): MemorySegment {
        val pattern = arena.allocate(dtype.bytes(BLOCKS.toLong() * dtype.blockElements()), ALIGNMENT)
        for (i in 0L..<pattern.byteSize()) pattern.set(ValueLayout.JAVA_BYTE, i, random.nextInt().toByte())
        val scale = java.lang.Float.floatToFloat16((sqrt(3.0 / columns) / levels).toFloat())
        for (block in 0L..<BLOCKS) pattern.set(ValueLayout.JAVA_SHORT_UNALIGNED, block * dtype.blockBytes(), scale)
        return pattern
    }

    /** Fills [data] with [pattern] over and over; what is there already is copied behind itself. */
    private fun repeat(data: MemorySegment, pattern: MemorySegment) {
        var filled = minOf(data.byteSize(), pattern.byteSize())
        MemorySegment.copy(pattern, 0, data, 0, filled)
        while (filled < data.byteSize()) {
            val more = minOf(filled, data.byteSize() - filled)
            MemorySegment.copy(data, 0, data, filled, more)
            filled += more
        }
    }

    override fun get(name: String): Matrix? = parameters[name]

    override fun close() = arena.close()

    private companion object {
        const val SEED = 1L
        const val ALIGNMENT = 64L

        /** Elements, and blocks, of a pattern: primes. */
        const val PERIOD = 65_521
        const val BLOCKS = 2_039

        /** What the system, the caches and the measurement of the machine need beside the weights. */
        const val RESERVE = 2L shl 30
    }
}

private fun installedMemory(): Long = (ManagementFactory.getOperatingSystemMXBean() as Machine).totalMemorySize
