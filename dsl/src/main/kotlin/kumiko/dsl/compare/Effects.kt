package kumiko.dsl.compare

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException

/**
 * Measures what edits of [model] change in its account: each is applied on top of those before it, structure before sizes, and the
 * difference is its effect. One that makes no model yet waits; where none does alone, the rest is measured together.
 */
internal class Effects(private val model: ModelSpec, private val tree: Tree) {
    private val applied = mutableListOf<Edit>()
    private val measured = mutableListOf<Edit>()
    private var now = Effect.of(Account.of(model))

    fun measure(edits: List<Edit>): List<Edit> {
        var waiting = edits.sortedBy { it.kind }
        while (waiting.isNotEmpty()) {
            val group = waiting.firstNotNullOfOrNull { edit ->
                listOf(edit).takeIf { take(it) }
            } ?: pair(waiting) ?: waiting.also { apply(it) }
            waiting = waiting - group.toSet()
        }
        return measured
    }

    private fun pair(waiting: List<Edit>): List<Edit>? = waiting.indices.firstNotNullOfOrNull { i ->
        (i + 1..<waiting.size).firstNotNullOfOrNull { j -> listOf(waiting[i], waiting[j]).takeIf { take(it) } }
    }

    private fun take(group: List<Edit>): Boolean = try {
        apply(group)
        true
    } catch (_: SpecException) {
        false
    }

    /** Applies [group] on top and notes its effect. */
    private fun apply(group: List<Edit>) {
        val effect = Effect.of(Account.of(Application((applied + group).flatMap { it.steps }).on(tree).toSpec(model.name)))
        applied += group
        group.forEachIndexed { index, edit ->
            val own = if (index == 0) effect - now else Effect.NONE
            measured += edit.copy(effect = own.copy(together = group.size > 1))
        }
        now = effect
    }
}
