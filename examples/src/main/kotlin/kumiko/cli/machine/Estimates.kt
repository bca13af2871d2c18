package kumiko.cli.machine

import com.github.ajalt.clikt.core.ParameterHolder
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.mordant.terminal.Terminal
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonObject
import kumiko.cli.bytes
import kumiko.cli.printSideBySide
import kumiko.cli.wrapped
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Roofline
import kumiko.runtime.tensor.DType
import java.util.Locale

/** What the [machine] makes of models at best, by the type of their weights; cache and arithmetic are float32, as they are by default. */
internal class Estimates(val machine: ThisMachine) {
    /** A name and a cell for each model. */
    fun rows(accounts: List<Account>): List<List<String>> = WEIGHTS.keys.let { types ->
        types.map { type -> row("tokens/s, $type", accounts) { speed(decode(it, WEIGHTS.getValue(type))) } } +
            types.map { type -> row("prompt tokens/s, $type", accounts) { speed(prefill(it, WEIGHTS.getValue(type))) } } +
            types.map { type -> row("memory, $type", accounts) { memory(it, WEIGHTS.getValue(type)) } }
    }

    private fun row(title: String, accounts: List<Account>, cell: (Account) -> String) = listOf(title) + accounts.map(cell)

    private fun decode(account: Account, weights: DType) = machine.roofline.decode(account, CONTEXT - 1, weights, CACHE)

    private fun prefill(account: Account, weights: DType) = machine.roofline.prefill(account, PROMPT, weights, CACHE)

    private fun speed(estimate: Roofline.Estimate): String {
        val speed = estimate.tokensPerSecond
        val bound = if (estimate.bound == Roofline.Bound.MEMORY) "memory" else "arithmetic"
        return "%,.${if (speed < 10) {
            2
        } else if (speed < 100) {
            1
        } else {
            0
        }}f by %s".format(Locale.ROOT, speed, bound)
    }

    private fun memory(account: Account, weights: DType): String {
        val needed = account.memoryBytes(CONTEXT, weights, CACHE)
        return bytes(needed) + if (needed > machine.memoryBytes) ", too much" else ""
    }

    fun toJson(account: Account): JsonObject = buildJsonObject {
        WEIGHTS.values.forEach { weights ->
            putJsonObject("$weights") {
                put("tokensPerSecond", decode(account, weights).tokensPerSecond)
                put("promptTokensPerSecond", prefill(account, weights).tokensPerSecond)
                put("memoryBytes", account.memoryBytes(CONTEXT, weights, CACHE))
            }
        }
    }

    fun machineJson(): JsonObject = buildJsonObject {
        put("threads", machine.threads)
        put("readBytesPerSecond", machine.roofline.bytesPerSecond)
        put("float32FlopsPerSecond", machine.roofline.flopsPerSecond)
        put("memoryBytes", machine.memoryBytes)
    }

    companion object {
        private const val CONTEXT = 1024L
        private const val PROMPT = 512L
        private val CACHE = DType.F32
        private val WEIGHTS = mapOf("float32" to DType.F32, "16 bit" to DType.BF16, "Q8_0" to DType.Q8_0, "Q4_0" to DType.Q4_0)

        /** What [rows] tell. */
        const val ABOUT = "At best: the tokens a second that no run can exceed, behind ${CONTEXT - 1} others and in a prompt of $PROMPT, " +
            "with what holds them back; memory for $CONTEXT positions. By the type of the weights; cache and arithmetic in float32."
    }
}

/** The machine in a line, then what it makes of each model. */
internal fun Terminal.printEstimates(estimates: Estimates, accounts: List<Account>) {
    listOf("${estimates.machine}", Estimates.ABOUT).forEach { rawPrint("\n" + it.wrapped(size.width).joinToString("\n") + "\n") }
    rawPrint("\n")
    printSideBySide(accounts.map { it.spec.name }, estimates.rows(accounts))
}

internal fun ParameterHolder.machineOption() =
    option("--machine").flag().help("measure this machine for about a second, and tell how fast it can be at best")
