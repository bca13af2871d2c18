package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe

class LaunchedTerminalSpec : FunSpec({
    test("a pipe has the width of pipes and no colours") {
        val terminal = LaunchedTerminal.terminal("plain")
        terminal.terminalInfo.outputInteractive shouldBe false
        terminal.size.width shouldBe PIPE_WIDTH
    }

    test("a terminal is as wide as the launcher measured") {
        val terminal = LaunchedTerminal.terminal("93")
        terminal.terminalInfo.outputInteractive shouldBe true
        terminal.size.width shouldBe 93
    }

    test("a terminal that tells no width is treated as a pipe") {
        LaunchedTerminal.terminal("0").size.width shouldBe PIPE_WIDTH
    }
})
