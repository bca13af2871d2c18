package kumiko.cli.report

import kumiko.cli.bytes
import kumiko.cli.grouped
import kumiko.cli.mergedNames
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Effect
import kumiko.dsl.compare.Part
import kumiko.dsl.compare.sizes
import kumiko.dsl.compare.structure
import kumiko.runtime.tensor.DType

/**
 * One row of the table, a cell for each model.
 *
 * @property comparable whether a cell that is another is worth a mark, as all numbers are others
 */
internal data class TableRow(
    val title: String,
    val cells: List<String?>,
    val numeric: Boolean = false,
    val comparable: Boolean = false,
    val part: Boolean = false,
)

/** Structure, sizes, parameters by part, memory and arithmetic. */
internal fun comparison(accounts: List<Account>): List<TableRow> {
    val traits = accounts.map { account -> account.spec.structure().associate { it.name to it.value } }
    val sizes = accounts.map { account -> account.spec.sizes().mapValues { grouped(it.value.toLong()) } }
    val words = mergedNames(traits.map { it.keys }).map { name -> TableRow(name, traits.map { it[name] }, comparable = true) }
    val numbers = mergedNames(sizes.map { it.keys }).map { name -> TableRow(name, sizes.map { it[name] }, numeric = true) }
    val parts = Part.entries.filter { part -> accounts.any { it.parameters(part) > 0 } }.map { part ->
        TableRow("$part", accounts.map { account -> grouped(account.parameters(part)) }, numeric = true, part = true)
    }
    return words + numbers + TableRow("parameters", accounts.map { grouped(it.parameters) }, numeric = true) + parts + costs(accounts)
}

private fun costs(accounts: List<Account>): List<TableRow> = listOf<Pair<String, (Account) -> String>>(
    "weights, 16 bit" to { bytes(it.weightBytes(DType.BF16)) },
    "cache per token, 16 bit" to { "${grouped(it.cacheBytesPerToken(DType.F16))} B" },
    "MACs of 1 x 128, all pairs" to { grouped(it.macs(Effect.PROMPT, 0)) },
    "FLOPs of 1 x 128, as masked" to { grouped(it.flops(Effect.PROMPT, 0)) },
    "FLOPs of token 1,024" to { grouped(it.flops(1, LOOKING_BACK)) },
    "activations of a 1,024 token prompt" to { bytes(it.activationBytes(LOOKING_BACK + 1, 0)) },
).map { (title, cell) -> TableRow(title, accounts.map(cell), numeric = true) }

private const val LOOKING_BACK = 1023L
