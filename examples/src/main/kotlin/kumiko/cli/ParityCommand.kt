package kumiko.cli

import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.double
import kumiko.cli.parity.ParityReport
import kumiko.cli.parity.ParityRun
import kumiko.cli.parity.ReferenceSet
import kumiko.cli.parity.Tolerances
import kumiko.cli.parity.headline
import kumiko.cli.parity.rows
import kumiko.cli.parity.toJson
import kumiko.cli.parity.verdict
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.run.Quantisation
import kumiko.runtime.tensor.DType
import java.nio.file.Path

/** `kumiko parity`. */
class ParityCommand : KumikoCommand("parity", "Compares a checkpoint, node by node, with what its original implementation computes.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val reference by argument().help("a folder with input.json, expected.safetensors and reference.json, or a file from trace")
    private val atol by option("--atol", metavar = "X").double().help("tolerance where the reference names none")
    private val float64 by option("--float64").flag().help("compute in float64 and ask for a tenth of the tolerance")
    private val threads by threadsOption()
    private val arithmetic by arithmeticOption("; what that costs is shown and fails no check")
    private val layers by layersOption()
    private val prefix by prefixOption()
    private val quantize by quantizeOption("; what that costs is shown and fails no check")

    override fun run() {
        ReferenceSet.open(Path.of(reference)).use { set ->
            loadModel(Path.of(checkpoint), layers, terminal, quantize, prefix).use { model ->
                val kernels = if (float64) ScalarKernels(DType.F64) else fastestKernels()
                val tolerances = Tolerances(set, atol, if (float64) FLOAT64_SHARE else 1.0)
                val report = refusing { ParityRun(model.forParity(), set, options(threads, kernels, arithmetic), tolerances).run() }
                if (json) printJson(report.toJson()) else print(report)
                val exact = quantize is Quantisation.None && arithmetic == Arithmetic.FLOAT32
                if (!report.good && exact) throw ProgramResult(Exit.CHECK_FAILED)
            }
        }
    }

    private fun print(report: ParityReport) {
        terminal.rawPrint(report.headline() + "\n\n")
        terminal.printGrid(
            listOf("node", "reference", "max-abs", "tolerance", "relative", "cosine", "verdict"),
            report.rows(),
            setOf(2, 3, 4, 5),
        )
        terminal.rawPrint("\n" + report.verdict() + "\n")
    }

    private companion object {
        /** What float32 costs the reference itself is a tenth of its tolerance; float64 adds nothing to that. */
        const val FLOAT64_SHARE = 0.1
    }
}
