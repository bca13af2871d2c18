package kumiko.cli.parity

import kumiko.dsl.mapping.KeyAccount
import kumiko.dsl.mapping.Rope

/** How rows of heads lie in a checkpoint, by parameter; those that lie as the model has them are left out. */
internal class HeadOrders private constructor(private val byParameter: Map<String, IntArray>) {
    /** The order of a node: it is named after the projection that it comes from. */
    fun of(node: String): IntArray? =
        generateSequence(node) { it.substringBeforeLast('.', "").ifEmpty { null } }.firstNotNullOfOrNull { byParameter["$it.weight"] }

    /** With [parameters], whose heads have so many rows, read by another rule. */
    fun with(parameters: Map<String, Int>, rope: Rope?) =
        HeadOrders(byParameter - parameters.keys + parameters.mapNotNull { (name, size) -> rope?.let { name to it.components(size) } })

    companion object {
        fun of(account: KeyAccount) = HeadOrders(
            account.matched.flatMap { key ->
                key.route.targets.mapNotNull { target -> key.route.rule.rope?.let { target.name to it.components(target.heads!!.size) } }
            }.toMap(),
        )
    }
}
