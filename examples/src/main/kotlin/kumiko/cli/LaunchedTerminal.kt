package kumiko.cli

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.rendering.Size
import com.github.ajalt.mordant.terminal.StandardTerminalInterface
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalInfo

/**
 * Standard output as the launcher found it: [columns] wide, or no terminal where it has none. Asking the system from here would mean
 * native calls, which take as long to prepare as the rest of a quick command takes to start.
 */
internal class LaunchedTerminal private constructor(private val columns: Int?) : StandardTerminalInterface() {
    /** For a file or a pipe without looking for what may be behind it, for which the library starts the JVM's management. */
    override fun info(ansiLevel: AnsiLevel?, hyperlinks: Boolean?, outputInteractive: Boolean?, inputInteractive: Boolean?): TerminalInfo =
        if (columns != null || System.getenv("FORCE_COLOR") != null) {
            super.info(ansiLevel, hyperlinks, outputInteractive, inputInteractive)
        } else {
            TerminalInfo(
                ansiLevel = ansiLevel ?: AnsiLevel.NONE,
                ansiHyperLinks = hyperlinks == true,
                outputInteractive = outputInteractive == true,
                inputInteractive = inputInteractive == true,
                supportsAnsiCursor = outputInteractive == true,
            )
        }

    override fun stdoutInteractive(): Boolean = columns != null

    /** Nothing is asked of the person before it. */
    override fun stdinInteractive(): Boolean = false

    override fun getTerminalSize(): Size? = columns?.let { Size(it, LINES) }

    override fun shouldAutoUpdateSize(): Boolean = false

    companion object {
        /** What [found] says, the launcher's word: columns, or `plain` for a file or a pipe; null where no launcher said anything. */
        fun terminal(found: String?): Terminal = when (found) {
            null -> Terminal(nonInteractiveWidth = PIPE_WIDTH)
            else -> Terminal(nonInteractiveWidth = PIPE_WIDTH, terminalInterface = LaunchedTerminal(found.toIntOrNull()?.takeIf { it > 0 }))
        }

        /** Nothing that is printed depends on the height. */
        private const val LINES = 24
    }
}
