package kumiko.cli.generate

import kumiko.cli.refuse
import kumiko.runtime.run.SavedSession
import java.nio.file.Path

/** What a text goes on from. */
internal sealed interface Beginning {
    /** The ids so far. */
    val ids: IntArray

    /** How many of them a sampler chose. */
    val chosen: Int

    /** Whether they were given as text, so that a reader wants text. */
    val isText: Boolean

    /** Ids or a text that were just given. */
    class Prompt(override val ids: IntArray, override val isText: Boolean) : Beginning {
        override val chosen get() = 0
    }

    /** A session that an earlier run wrote to [file]. */
    class Saved(val file: Path, override val ids: IntArray, override val chosen: Int, override val isText: Boolean) : Beginning

    companion object {
        private const val IDS = "ids"
        private const val CHOSEN = "chosen"
        private const val TEXT = "text"

        /** What a session file must carry for [saved] to read it. */
        fun notes(ids: List<Int>, chosen: Int, isText: Boolean): Map<String, String> =
            mapOf(IDS to ids.joinToString(","), CHOSEN to "$chosen", TEXT to "$isText")

        fun saved(file: Path): Saved {
            val saved = SavedSession.read(file)
            val notes = saved.notes()
            val ids = notes[IDS]?.split(',')?.mapNotNull { it.toIntOrNull() }.orEmpty()
            val chosen = notes[CHOSEN]?.toIntOrNull()
            if (saved.lengths() != listOf(ids.size) || ids.isEmpty() || chosen !in 0..ids.size) {
                refuse("$file: the session does not say which tokens it holds. Only a file of generate --save can be resumed here.")
            }
            return Saved(file, ids.toIntArray(), chosen!!, notes[TEXT] == "true")
        }
    }
}
