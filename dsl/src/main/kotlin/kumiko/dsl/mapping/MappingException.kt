package kumiko.dsl.mapping

/** A map, a configuration file or a checkpoint that does not fit; the message is a paragraph for people and lists all problems at once. */
class MappingException(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

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
