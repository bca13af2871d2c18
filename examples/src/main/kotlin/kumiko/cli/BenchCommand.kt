package kumiko.cli

import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.options.split
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.restrictTo
import kumiko.cli.bench.Bench
import kumiko.cli.bench.BenchSettings
import kumiko.cli.bench.CheckpointSubject
import kumiko.cli.bench.MadeSubject
import kumiko.cli.bench.Subject
import kumiko.cli.bench.Warmth
import kumiko.cli.bench.printResult
import kumiko.cli.bench.toJson
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.withLayers
import kumiko.runtime.run.Quantisation
import java.nio.file.Files
import java.nio.file.Path

/** `kumiko bench`. */
class BenchCommand : KumikoCommand("bench", "How fast a model runs, as a share of what this machine can do.") {
    private val model by argument().help("$MODEL_HELP; without weights, random ones are made in memory")
    private val dtype by option("--dtype").choice(WEIGHT_TYPES).help("the type of made weights (default: $TYPE)")
    private val tiny by option("--tiny").flag().help("made weights of small sizes, to see what costs besides arithmetic")
    private val depth by option("--depth", metavar = "N").int().restrictTo(1, MOST_LAYERS).help("made weights of as many layers")
    private val prefill by option("--prefill", metavar = "N").int().restrictTo(min = 2).default(PREFILL)
        .help("tokens of the prompt (default: $PREFILL)")
    private val decode by option("--decode", metavar = "N").int().restrictTo(min = 1).default(DECODE)
        .help("tokens written in a round (default: $DECODE)")
    private val batch by option("--batch", metavar = "N,N").int().restrictTo(min = 1).split(",").default(BATCHES)
        .help("sequences decoded at once (default: ${BATCHES.joinToString(",")})")
    private val rounds by option("--rounds", metavar = "N").int().restrictTo(min = 1).default(ROUNDS)
        .help("how often everything is measured (default: $ROUNDS)")
    private val threads by threadsOption()
    private val quantize by quantizeOption()
    private val arithmetic by arithmeticOption()

    override fun run() {
        val settings = BenchSettings(prefill, decode, batch, rounds, Warmth.FULL, options(threads, arithmetic = arithmetic))
        val result = Progress(terminal, "measuring $model").use { progress ->
            var stage = 0L
            Bench(settings, opener()) { progress.at(stage++, STAGES + batch.size, it) }.run()
        }
        if (json) printJson(result.toJson()) else terminal.printResult(result)
    }

    /** Files are opened while the clock runs; made weights are there before. */
    private fun opener(): () -> Subject {
        val path = Path.of(model)
        if (!Files.isDirectory(path) && quantize !is Quantisation.None) {
            refuse("$model has no weights to quantise; --dtype ${WEIGHT_TYPES.keys.last()} makes them in a quantised type.")
        }
        if (!Files.isDirectory(path)) return MadeSubject(resized(), dtype ?: WEIGHT_TYPES.getValue(TYPE)).let { { it } }
        if (dtype != null || tiny || depth != null) {
            refuse("$model is measured as it is stored; --dtype, --tiny and --depth are for models without weights.")
        }
        return { CheckpointSubject(path, quantize) }
    }

    private fun resized(): ModelSpec {
        val spec = resolveModel(model).let { if (tiny) it.tiny() else it }
        return depth?.let { spec.withLayers(it).copy(name = "${spec.name} of $it ${if (it == 1) "layer" else "layers"}") } ?: spec
    }

    private companion object {
        const val MOST_LAYERS = 1000
        const val TYPE = "bf16"
        const val PREFILL = 512
        const val DECODE = 32
        const val ROUNDS = 5
        val BATCHES = listOf(1, 8)

        /** Loading and prefill. */
        const val STAGES = 2L
    }
}
