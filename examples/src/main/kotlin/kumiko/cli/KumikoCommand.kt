package kumiko.cli

import com.github.ajalt.clikt.core.CliktCommand
import com.github.ajalt.clikt.core.Context
import com.github.ajalt.clikt.core.terminal
import com.github.ajalt.clikt.parameters.options.flag
import com.github.ajalt.clikt.parameters.options.help
import com.github.ajalt.clikt.parameters.options.option
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonElement

/** A command that speaks to people, or with `--json` to programs. */
abstract class KumikoCommand(name: String, private val about: String) : CliktCommand(name) {
    protected val json by option("--json").flag().help("print JSON for programs")

    override fun help(context: Context): String = about

    /** One JSON document on standard output. */
    protected fun printJson(element: JsonElement) = terminal.rawPrint(pretty.encodeToString(JsonElement.serializer(), element) + "\n")

    private companion object {
        val pretty = Json {
            prettyPrint = true
            prettyPrintIndent = "  "
        }
    }
}
