package kumiko.cli

import com.github.ajalt.mordant.terminal.Terminal
import java.util.concurrent.TimeUnit

/** How far long work has come, on standard error, where a person reads it and it takes longer than a second. */
internal class Progress(private val terminal: Terminal, private val what: String, private val total: Long) : AutoCloseable {
    private val start = System.nanoTime()
    private var shown = -1L

    fun at(done: Long) {
        val percent = if (total == 0L) 100 else minOf(100, 100 * done / total)
        if (!visible || percent == shown || System.nanoTime() - start < TimeUnit.SECONDS.toNanos(1)) return
        shown = percent
        terminal.rawPrint("\r$what ${"$percent".padStart(3)}%", stderr = true)
    }

    override fun close() {
        if (shown >= 0) terminal.rawPrint("\r${" ".repeat(what.length + 5)}\r", stderr = true)
    }

    private companion object {
        /** The launcher puts a filter behind standard error and says what is behind the filter. */
        val visible = System.getenv("KUMIKO_STDERR") == "terminal"
    }
}
