package kumiko.cli

import com.github.ajalt.clikt.core.ProgramResult
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.arguments.argument
import com.github.ajalt.clikt.parameters.arguments.help
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.buildJsonObject
import kotlinx.serialization.json.encodeToJsonElement
import kotlinx.serialization.json.put
import kumiko.dsl.compare.Edit
import kumiko.dsl.compare.diff
import kumiko.dsl.spec.ModelSpec

/** `kumiko diff`. */
class DiffCommand : KumikoCommand(
    "diff",
    "The edits that turn one model into another; exit code 1 when there are any.",
) {
    private val from by argument("A").help(MODEL_HELP)
    private val to by argument("B").help(MODEL_HELP)

    override fun run() {
        val (a, b) = resolveModel(from) to resolveModel(to)
        val edits = diff(a, b)
        if (json) printJson(document(a, b, edits)) else print(a, b, edits)
        if (edits.isNotEmpty()) throw ProgramResult(Exit.CHECK_FAILED)
    }

    private fun document(a: ModelSpec, b: ModelSpec, edits: List<Edit>): JsonObject = buildJsonObject {
        put("from", a.name)
        put("to", b.name)
        put("edits", Json.encodeToJsonElement(edits))
    }

    private fun print(a: ModelSpec, b: ModelSpec, edits: List<Edit>) {
        if (edits.isEmpty()) {
            terminal.rawPrint("${a.name} and ${b.name} are the same but for names\n")
            return
        }
        terminal.rawPrint("${a.name} -> ${b.name}: ${edits.size} ${if (edits.size == 1) "edit" else "edits"}\n")
        Edit.Kind.entries.forEach { kind ->
            val rows = edits.filter { it.kind == kind }.map { it.row() }
            if (rows.isNotEmpty()) {
                terminal.rawPrint("\n")
                terminal.printGrid(editHeader(kind.name.lowercase()), rows, setOf(2, 3, 4))
            }
        }
        if (edits.any { it.effect.together }) terminal.rawPrint("\n$TOGETHER\n")
    }
}
