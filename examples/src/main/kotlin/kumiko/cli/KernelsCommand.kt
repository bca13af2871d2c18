package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.options.convert
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.split
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.restrictTo
import kumiko.cli.bench.KernelBench
import kumiko.cli.bench.KernelSettings
import kumiko.cli.bench.MatrixSize
import kumiko.cli.bench.Warmth
import kumiko.cli.bench.printResult
import kumiko.cli.bench.toJson

/** `kumiko kernels`. */
class KernelsCommand : KumikoCommand("kernels", "How fast single linear layers run, as a share of what this machine can do.") {
    private val sizes by option("--matrix", metavar = "2048x8192,768x768")
        .convert { matrixSize(it) ?: fail("\"$it\" is no size of a matrix; numbers in and out, both at least 1, are written 2048x8192") }
        .split(",").default(SIZES).help(
            "numbers in and out of a layer (default: ${SIZES.joinToString(",") {
                "${it.inputs}x${it.outputs}"
            }})",
        )
    private val dtypes by option("--dtype", metavar = "f32,bf16").choice(WEIGHT_TYPES).split(",").default(WEIGHT_TYPES.values.toList())
        .help(
            "types that the weight is stored in, also measured with --arithmetic bf16 where that changes anything " +
                "(default: ${WEIGHT_TYPES.keys.joinToString(",")})",
        )
    private val rows by option("--rows", metavar = "N,N").int().restrictTo(1, MOST_ROWS).split(",").default(ROWS)
        .help("rows of activations, at most $MOST_ROWS, as a prompt is cut (default: ${ROWS.joinToString(",")})")
    private val rounds by option("--rounds", metavar = "N").int().restrictTo(min = 1).default(ROUNDS)
        .help("how often everything is measured (default: $ROUNDS)")
    private val threads by threadsOption()

    override fun run() {
        val settings = KernelSettings(sizes.distinct(), dtypes.distinct(), rows.distinct(), rounds, Warmth.FULL, options(threads))
        val result = Progress(terminal, "measuring").use { progress ->
            var done = 0L
            KernelBench(settings) {
                val layer = "${it.size} in ${it.dtype.name.lowercase()}, ${it.rows} ${if (it.rows == 1) "row" else "rows"}"
                progress.at(done++, settings.cases.size.toLong(), layer)
            }.run()
        }
        if (json) printJson(result.toJson()) else terminal.printResult(result)
    }

    private companion object {
        val SIZES = listOf(MatrixSize(2048, 8192))
        val ROWS = listOf(1, 8, 512)
        const val MOST_ROWS = 512
        const val ROUNDS = 15
    }
}

/** `2048x8192` */
private fun matrixSize(text: String): MatrixSize? {
    val (inputs, outputs) = Regex("""([1-9]\d{0,6})x([1-9]\d{0,6})""").matchEntire(text)?.destructured ?: return null
    return MatrixSize(inputs.toInt(), outputs.toInt())
}
