package kumiko.cli

import com.github.ajalt.clikt.core.terminal

/** `kumiko list`. */
class ListCommand : KumikoCommand("list", "The built-in specs and the maps of the layouts they are published in.") {
    override fun run() {
        terminal.println("none yet")
    }
}
