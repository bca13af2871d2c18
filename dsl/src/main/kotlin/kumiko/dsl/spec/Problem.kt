package kumiko.dsl.spec

/**
 * One thing that does not fit.
 *
 * @property place where, as a canonical name: `blocks.attention.out`
 * @property what both values
 * @property remedy where the other value comes from, and what to write instead
 */
public data class Problem(val place: String, val what: String, val remedy: String)

/** A model that cannot be built. The message names every problem; it is meant to be shown as it is. */
public class SpecException(message: String, public val problems: List<Problem> = emptyList()) : IllegalArgumentException(message) {
    internal companion object {
        fun of(model: String, problems: List<Problem>) = SpecException(describe(model, problems), problems)

        private fun describe(model: String, problems: List<Problem>): String {
            val column = problems.maxOf { it.place.length } + 3
            val count = if (problems.size == 1) "1 problem" else "${problems.size} problems"
            return problems.joinToString("\n", prefix = "$model: $count\n") {
                "  ${it.place.padEnd(column)}${it.what}\n  ${" ".repeat(column)}${it.remedy}"
            }
        }
    }
}
