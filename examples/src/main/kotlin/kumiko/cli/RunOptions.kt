package kumiko.cli

import com.github.ajalt.clikt.core.ParameterHolder
import com.github.ajalt.clikt.parameters.options.OptionCallTransformContext
import com.github.ajalt.clikt.parameters.options.convert
import com.github.ajalt.clikt.parameters.options.default
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.choice
import com.github.ajalt.clikt.parameters.types.int
import com.github.ajalt.clikt.parameters.types.path
import com.github.ajalt.clikt.parameters.types.restrictTo
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.KernelProvider
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.run.Options
import kumiko.runtime.run.Quantisation
import kumiko.runtime.tensor.DType
import java.util.logging.Level
import java.util.logging.Logger

/** The types that weights are made in where there are none, by the names of the options. */
internal val WEIGHT_TYPES = listOf(DType.F32, DType.BF16, DType.F16, DType.Q8_0, DType.Q4_0).associateBy { it.name.lowercase() }

/** What a CHECKPOINT argument may be, for help pages. */
internal const val CHECKPOINT_HELP = "a directory with a published checkpoint and its configuration"

internal fun ParameterHolder.threadsOption() =
    option("--threads", metavar = "N").int().restrictTo(min = 1).help("threads that share the work (default: all processors)")

internal fun ParameterHolder.arithmeticOption(more: String = "") =
    option("--arithmetic").choice("f32" to Arithmetic.FLOAT32, "bf16" to Arithmetic.BFLOAT16).default(Arithmetic.FLOAT32, "f32")
        .help(
            "bf16 rounds activations to bf16 before a bf16 weight multiplies them, and in prompts q8_0 and q4_0 weights too and what " +
                "attention multiplies, which processors do faster$more",
        )

internal fun ParameterHolder.layersOption() = option("--layers", metavar = "0..N").convert {
    layerRange(it) ?: fail("\"$it\" is no range of layers; the first four are 0..3")
}
    .help("load only the first layers, to try a small version of a large model")

internal fun ParameterHolder.prefixOption() = option("--prefix", metavar = "DIR").path()
    .help("a folder with a tuned prefix and its configuration, taken beside the checkpoint")

internal fun ParameterHolder.quantizeOption(more: String = "") =
    option("--quantize", metavar = "int8:6.0|q8_0|q4_0").convert { quantisation(it) }
        .default(Quantisation.None(), "none")
        .help("keep the weights of the blocks' linear layers in this format while the model runs$more")

/** The quantisation that an option names. */
internal fun OptionCallTransformContext.quantisation(text: String): Quantisation = try {
    Quantisation.parse(text)
} catch (e: IllegalArgumentException) {
    fail(e.message!!)
}

/** `0..3` */
private fun layerRange(text: String): IntRange? {
    val (first, last) = Regex("""(\d{1,9})\.\.(\d{1,9})""").matchEntire(text)?.destructured ?: return null
    return first.toInt()..last.toInt()
}

/** Has kernels made on another thread, which takes as long as to open a checkpoint. What is wrong with them [fastestKernels] says. */
internal fun beginKernels() {
    Thread.ofPlatform().daemon().start { runCatching { fastestKernels() } }
}

/** Logs nothing below a warning: texts and tables are not to begin with a line about lanes; parity says it in its own first line. */
internal fun fastestKernels(): Kernels {
    KERNEL_LOG.level = Level.WARNING
    return KernelProvider.kernels()
}

// Held, because the logging of the JDK forgets the level of a logger that nobody holds.
private val KERNEL_LOG: Logger by lazy { Logger.getLogger(KernelProvider::class.java.packageName) }

internal fun options(threads: Int?, kernels: Kernels = fastestKernels(), arithmetic: Arithmetic = Arithmetic.FLOAT32): Options =
    Options.of(kernels.with(arithmetic)).let { if (threads == null) it else it.withThreads(threads) }

/** `1,2,3`; blanks are as good as commas. */
internal fun parseIds(text: String): IntArray {
    val words = text.split(',', ' ').filter { it.isNotEmpty() }
    if (words.isEmpty()) refuse("--ids is empty; give at least one token id.")
    return words.map {
        it.toIntOrNull() ?: refuse("--ids: \"$it\" is no token id; ids are whole numbers separated by commas.")
    }.toIntArray()
}
