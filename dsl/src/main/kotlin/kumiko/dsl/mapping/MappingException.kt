package kumiko.dsl.mapping

/** A map, a configuration file or a checkpoint that does not fit; the message is a paragraph for people and lists all problems at once. */
open class MappingException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** No map fits a checkpoint. [nearest] is the one whose files and configuration fit and whose keys come closest, if there is one. */
class NoMapFitsException(message: String, val nearest: CheckpointMap?) : MappingException(message)

/** One thing wrong in a text file: where, and what to do. */
internal data class TextProblem(val line: Int, val path: String, val message: String)

/** `gpt2-hf.keys.json: 2 problems`, then one line for each, in the order of the file. */
internal fun textProblems(file: String, problems: List<TextProblem>): MappingException {
    val count = if (problems.size == 1) "1 problem" else "${problems.size} problems"
    val lines = problems.sortedBy { it.line }.map { p ->
        val place = if (p.path.isEmpty()) "line ${p.line}" else "line ${p.line}, ${p.path}"
        "  $place: ${p.message}"
    }
    return MappingException((listOf("$file: $count") + lines).joinToString("\n"))
}
