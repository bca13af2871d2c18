package kumiko.cli

import com.github.ajalt.mordant.terminal.Terminal
import kumiko.dsl.mapping.WriteProgress
import java.util.concurrent.TimeUnit

/**
 * How far long work has come, on standard error, where a person reads it and it takes longer than a second.
 *
 * @param clock nanoseconds
 */
internal class Progress(
    private val terminal: Terminal,
    private val what: String,
    private val visible: Boolean = isRead,
    private val clock: () -> Long = System::nanoTime,
) : AutoCloseable {
    private val start = clock()
    private var shown = ""

    /** Whether [at] shows anything yet. */
    val isDue: Boolean get() = visible && clock() - start >= TimeUnit.SECONDS.toNanos(1)

    /** @param place where the work is, in words */
    fun at(done: Long, total: Long, place: String = "") {
        if (!isDue) return
        val percent = if (total == 0L) 100 else minOf(100, 100 * done / total)
        val line = "$what ${"$percent".padStart(3)}%  $place".trimEnd()
        if (line == shown) return
        terminal.rawPrint("\r" + line.padEnd(shown.length), stderr = true)
        shown = line
    }

    fun written(write: WriteProgress) =
        at(write.bytes, write.totalBytes, "${write.file}, ${bytes(write.bytes)} of ${bytes(write.totalBytes)}")

    override fun close() {
        if (shown.isNotEmpty()) terminal.rawPrint("\r${" ".repeat(shown.length)}\r", stderr = true)
    }

    private companion object {
        /** The launcher puts a filter behind standard error and says what is behind the filter. */
        val isRead = System.getenv("KUMIKO_STDERR") == "terminal"
    }
}
