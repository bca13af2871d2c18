package kumiko.cli

import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import com.github.ajalt.clikt.parameters.arguments.optional
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import com.github.ajalt.clikt.parameters.types.double
import kotlinx.serialization.json.add
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.put
import kotlinx.serialization.json.putJsonArray
import kumiko.cli.card.Card
import kumiko.cli.card.CardDifferences
import kumiko.cli.card.CardFile
import kumiko.cli.card.CardMaker
import kumiko.cli.card.markdown
import kumiko.cli.parity.ReferenceSet
import java.nio.file.Path
import java.util.concurrent.TimeUnit

/** `kumiko verify`. */
class VerifyCommand : KumikoCommand("verify", "A card of what was verified of a checkpoint: files, keys, round trip, errors, tokens.") {
    private val checkpoint by argument().help(CHECKPOINT_HELP)
    private val reference by argument().optional().help("what the original computes, as for parity; without it nothing is said of errors")
    private val out by option("-o", "--out", metavar = "NAME").help("write NAME.json and NAME.md; without it the card is printed")
    private val against by option("--against", metavar = "CARD").help("say what changed since this card; exit code 1 when anything did")
    private val atol by option("--atol", metavar = "X").double().help("tolerance where the reference names none")
    private val threads by threadsOption()

    override fun run() {
        val before = against?.let { CardFile.read(Path.of(it)) }
        val card = make()
        out?.let { write(card, it) }
        val changes = before?.let { CardDifferences.between(it, card) }
        when {
            changes != null -> print(changes)
            json -> terminal.rawPrint(CardFile.write(card))
            out == null -> terminal.rawPrint(card.markdown())
            else -> terminal.rawPrint("$out.json and $out.md: ${card.model}, ${if (card.good) "all good" else "not all good"}\n")
        }
        if (!card.good || !changes.isNullOrEmpty()) throw ProgramResult(Exit.CHECK_FAILED)
    }

    private fun make(): Card {
        val start = System.nanoTime()
        return loadModel(Path.of(checkpoint), terminal = terminal).use { model ->
            val millis = TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start)
            val maker = CardMaker(model, millis, threads)
            val set = reference?.let { ReferenceSet.open(Path.of(it)) }
            refusing { if (set == null) maker.make(null, atol) else set.use { maker.make(it, atol) } }
        }
    }

    private fun write(card: Card, name: String) {
        Path.of("$name.json").replaceText(CardFile.write(card))
        Path.of("$name.md").replaceText(card.markdown())
    }

    private fun print(changes: List<String>) {
        if (json) {
            printJson(
                buildJsonObject {
                    put("same", changes.isEmpty())
                    putJsonArray("changes") { changes.forEach { add(it) } }
                },
            )
        } else if (changes.isEmpty()) {
            terminal.rawPrint("nothing changed since $against\n")
        } else {
            terminal.rawPrint("changed since $against:\n" + changes.joinToString("") { "  $it\n" })
        }
    }
}
