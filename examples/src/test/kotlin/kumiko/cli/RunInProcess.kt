package kumiko.cli

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder

/** What a command printed and how it ended. */
data class Ran(val code: Int, val out: String, val err: String)

/** Runs a command in this process, on a plain terminal of [width] columns. */
fun kumiko(vararg arguments: String, width: Int = 100): Ran {
    val recorder = TerminalRecorder(AnsiLevel.NONE, width)
    val code = CommandLine(Terminal(terminalInterface = recorder, width = width)).run(arguments.toList())
    return Ran(code, recorder.stdout(), recorder.stderr())
}

/** What [print] writes to a plain terminal of [width] columns. */
fun printed(width: Int, print: Terminal.() -> Unit): String =
    TerminalRecorder(AnsiLevel.NONE, width).also { Terminal(terminalInterface = it, width = width).print() }.stdout()
