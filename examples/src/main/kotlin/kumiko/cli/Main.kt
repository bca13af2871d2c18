package kumiko.cli

import kotlin.system.exitProcess

fun main(arguments: Array<String>) {
    exitProcess(CommandLine().run(arguments.toList()))
}
