package kumiko.cli

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.CliktError
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.PrintHelpMessage
import com.github.ajalt.clikt.core.UsageError
import com.github.ajalt.clikt.core.context
import com.github.ajalt.clikt.core.parse
import com.github.ajalt.clikt.core.subcommands
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.mordant.terminal.Terminal

/** How a run ended, as programs read it. */
object Exit {
    const val GOOD = 0

    /** A check ran and said no. */
    const val CHECK_FAILED = 1

    /** Bad usage or bad input; one paragraph on standard error says which. */
    const val BAD_INPUT = 2

    /** Kumiko itself failed: a mistake of ours. */
    const val INTERNAL = 3
}

/** The program as a function: arguments in, exit code out, everything printed on [terminal]. */
class CommandLine(private val terminal: Terminal = LaunchedTerminal.terminal(System.getenv("KUMIKO_STDOUT"))) {
    fun run(arguments: List<String>): Int {
        val root = Root(terminal, arguments.firstOrNull())
        return try {
            root.parse(arguments)
            Exit.GOOD
        } catch (error: CliktError) {
            val code = if (error is UsageError || (error is PrintHelpMessage && error.error)) Exit.BAD_INPUT else error.statusCode
            root.getFormattedHelp(error)?.let { terminal.println(it, stderr = code != Exit.GOOD) }
            code
        } catch (error: Exception) {
            report(error)
        } catch (error: OutOfMemoryError) {
            report(error)
        }
    }

    private fun report(error: Throwable): Int {
        val expected = expectedFailure(error)
        if (expected != null) {
            terminal.println(expected, stderr = true)
            return Exit.BAD_INPUT
        }
        terminal.println("kumiko failed in a way nobody foresaw, please report it: $error", stderr = true)
        terminal.println(error.stackTraceToString(), stderr = true)
        return Exit.INTERNAL
    }
}

/** Columns of a table where no terminal tells its width. */
internal const val PIPE_WIDTH = 120

/** How each command is made, in the order of the help page. */
internal val COMMANDS: Map<String, () -> CliktCommand> = mapOf(
    "list" to ::ListCommand,
    "show" to ::ShowCommand,
    "compare" to ::CompareCommand,
    "diff" to ::DiffCommand,
    "check" to ::CheckCommand,
    "init" to ::InitCommand,
    "convert" to ::ConvertCommand,
    "generate" to ::GenerateCommand,
    "trace" to ::TraceCommand,
    "parity" to ::ParityCommand,
    "verify" to ::VerifyCommand,
    "perplexity" to ::PerplexityCommand,
    "agree" to ::AgreeCommand,
    "quantize" to ::QuantizeCommand,
    "bench" to ::BenchCommand,
    "kernels" to ::KernelsCommand,
)

/** The command [asked] for alone, where there is one: to make them all takes a tenth of a quick command's time. */
private fun commands(asked: String?): List<CliktCommand> = COMMANDS[asked]?.let { listOf(it()) } ?: COMMANDS.values.map { it() }

private class Root(private val screen: Terminal, asked: String?) : CliktCommand(name = "kumiko") {
    init {
        context { terminal = screen }
        subcommands(commands(asked))
    }

    override fun help(context: Context): String = "Describe, load, run and compare transformer architectures."

    override fun run() = Unit
}
