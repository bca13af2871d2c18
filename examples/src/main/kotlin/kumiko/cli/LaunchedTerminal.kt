package kumiko.cli

import com.github.ajalt.mordant.rendering.Size
import com.github.ajalt.mordant.terminal.StandardTerminalInterface
import com.github.ajalt.mordant.terminal.Terminal

/**
 * Standard output as the launcher found it: [columns] wide, or no terminal where it has none. Asking the system from here would mean
 * native calls, which take as long to prepare as the rest of a quick command takes to start.
 */
internal class LaunchedTerminal private constructor(private val columns: Int?) : StandardTerminalInterface() {
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
