package kumiko.cli.bench

import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject
import kumiko.cli.bytes
import kumiko.cli.refuse
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.run.Options
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import java.lang.foreign.Arena

/**
 * Which linear layers are measured, and how often: every size in every type with every number of rows, and once more what is
 * multiplied as bf16 when told to.
 *
 * @property rounds how often the same is measured
 */
internal data class KernelSettings(
    val sizes: List<MatrixSize>,
    val dtypes: List<DType>,
    val rows: List<Int>,
    val rounds: Int,
    val warmth: Warmth,
    val options: Options,
) {
    val cases: List<LinearCase> get() = dtypes.flatMap { dtype -> sizes.flatMap { cases(it, dtype) } }

    fun cases(size: MatrixSize, dtype: DType): List<LinearCase> = rows.map { LinearCase(size, dtype, Arithmetic.FLOAT32, it) } +
        rows.filter { Arithmetic.BFLOAT16.isBfloat(dtype, it.toLong()) }.map { LinearCase(size, dtype, Arithmetic.BFLOAT16, it) }
}

/** The options of the command that mean the same, for one of the types. */
internal fun KernelSettings.arguments(dtype: DType): List<String> = listOf(
    "kernels", "--json", "--dtype", dtype.name.lowercase(), "--matrix", sizes.joinToString(",") { "${it.inputs}x${it.outputs}" },
    "--rows", rows.joinToString(","), "--rounds", "$rounds", "--threads", "${options.threads()}",
)

/**
 * Measures linear layers, and before every round of them the machine, which others may slow down meanwhile. [onCase] is told what begins.
 *
 * Every type gets a process of its own, as a model's weights are mostly of one type: what the compiler of the JVM makes of a loop hangs on
 * what else it has compiled, and f16 behind four other types was seen at half its speed.
 */
internal class KernelBench(
    private val settings: KernelSettings,
    private val memory: Long = installedMemory(),
    private val onCase: (LinearCase) -> Unit = {},
) {
    fun run(): KernelResult {
        settings.sizes.forEach(::requireBlocks)
        settings.sizes.forEach(::requireRoom)
        val dtype = settings.dtypes.singleOrNull() ?: return KernelResult(settings, settings.dtypes.flatMap(::inOwnProcess))
        return MeasuredLimits(settings.options.threads()).use { limits ->
            KernelResult(settings, settings.sizes.flatMap { measure(it, dtype, limits) })
        }
    }

    private fun inOwnProcess(dtype: DType): List<LinearSpeed> {
        onCase(settings.cases(settings.sizes.first(), dtype).first())
        return linearSpeeds(Json.parseToJsonElement(OwnProcess.output(settings.arguments(dtype))).jsonObject)
    }

    private fun requireBlocks(size: MatrixSize) {
        val broken = settings.dtypes.firstOrNull { size.inputs % it.blockElements() != 0 } ?: return
        refuse(
            "--matrix ${size.inputs}x${size.outputs} has rows of ${size.inputs} numbers, but $broken stores blocks of " +
                "${broken.blockElements()}. Choose another --matrix, or other types with --dtype.",
        )
    }

    private fun requireRoom(size: MatrixSize) {
        val needed = settings.dtypes.maxOf { dtype -> settings.cases(size, dtype).maxOf { it.bytes * it.copies } } +
            settings.rows.max() * DType.F32.bytes(2L * (size.inputs + size.outputs))
        if (needed > memory - RESERVE) {
            refuse(
                "--matrix ${size.inputs}x${size.outputs} takes ${bytes(needed)} for copies of the weight and for activations, but this " +
                    "machine has ${bytes(memory)}. Choose a smaller one.",
            )
        }
    }

    private fun measure(size: MatrixSize, dtype: DType, limits: Limits): List<LinearSpeed> {
        val cases = settings.cases(size, dtype)
        return Arena.ofShared().use { arena ->
            val made = MadeMatrices(dtype, arena)
            val matrices = List(cases.maxOf { it.copies }) { made.make(size.outputs, size.inputs) }
            cases.map { measure(it, matrices, limits) }
        }
    }

    private fun measure(case: LinearCase, matrices: List<Matrix>, limits: Limits): LinearSpeed {
        onCase(case)
        return LinearProgram(case, matrices, settings.options.withArithmetic(case.arithmetic)).use { program ->
            settings.warmth.warm(program::run)
            LinearSpeed(case, program.bf16Products, List(settings.rounds) { Round(limits.round(), seconds(program::run)) })
        }
    }
}
