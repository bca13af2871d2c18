package kumiko.dsl.compare

import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import kotlin.math.abs

/**
 * The semantic edits that turn [a] into [b], structure before sizes and the heaviest first. Names make no difference: models that differ
 * in names only give none. `apply(diff(a, b), a)` is [b] but for names.
 */
public fun diff(a: ModelSpec, b: ModelSpec): List<Edit> {
    val (old, new) = a.tree() to b.tree()
    val edits = Differ(old, new).changes().groupBy { it.alike }.values.map { edit(it, new) }
    val heaviest = compareByDescending<Edit> { abs(it.effect.parameters) }.thenByDescending { abs(it.effect.flops) }
    return Effects(a, old).measure(edits).sortedWith(compareBy<Edit> { it.kind }.then(heaviest).thenBy { it.subject })
}

/**
 * The model that [edits] make of [a], under its name. The choice need not be whole: leave out an edit and see what is left.
 *
 * @throws SpecException if the edits were made for another model, or if what they make does not fit
 */
public fun apply(edits: List<Edit>, a: ModelSpec): ModelSpec = Application(edits.flatMap { it.steps }).on(a.tree()).toSpec(a.name)

/** Whether two models are the same but for names: no edit lies between them. */
public fun ModelSpec.sameButForNames(other: ModelSpec): Boolean = tree() == other.tree()

private fun edit(changes: List<Change>, result: Tree): Edit {
    val first = changes.first()
    val where = if (everywhere(changes, result)) emptyList() else changes.map { it.site.name }.distinct()
    return Edit(first.subject, first.from, first.to, first.kind, where, Effect.NONE, changes.flatMap { it.steps })
}

/** Whether there is no need to say where: a change of the model as a whole, of its embedding, or of all layers of one family. */
private fun everywhere(changes: List<Change>, result: Tree): Boolean {
    val site = changes.first().site
    if (changes.all { it.site.name in setOf("", Tree.EMBEDDING) || it.site.family == Family.PREFIX }) return true
    val all = result.everyItem.count { it.family == site.family }
    return changes.all { it.steps.singleOrNull() is Step.Put } && changes.size >= all
}
