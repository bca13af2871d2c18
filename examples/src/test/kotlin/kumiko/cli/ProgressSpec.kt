package kumiko.cli

import com.github.ajalt.mordant.rendering.AnsiLevel
import com.github.ajalt.mordant.terminal.Terminal
import com.github.ajalt.mordant.terminal.TerminalRecorder
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.LoadProgress

class ProgressSpec : FunSpec({
    val second = 1_000_000_000L
    var now = 0L

    fun drawn(visible: Boolean, work: (Progress) -> Unit): String {
        val recorder = TerminalRecorder(AnsiLevel.NONE, 100)
        now = 0
        Progress(Terminal(terminalInterface = recorder, width = 100), "loading x", visible) { now }.use(work)
        recorder.stdout() shouldBe ""
        return recorder.stderr()
    }

    test("progress is drawn over itself and wiped away, without a word in the first second") {
        val text = drawn(true) {
            it.at(1, 100, "layer 10, 1 B of 100 B")
            now = second
            it.at(10, 100, "layer 11, 10 B of 100 B")
            it.at(10, 100, "layer 11, 10 B of 100 B")
            it.at(100, 100)
        }
        text shouldBe "\rloading x  10%  layer 11, 10 B of 100 B\rloading x 100%" + " ".repeat(25) + "\r" + " ".repeat(14) + "\r"
    }

    test("where no person reads, nothing is drawn") {
        drawn(false) {
            now = 2 * second
            it.at(10, 100)
        } shouldBe ""
    }

    test("loading tells the layers in their order and all bytes at the end") {
        val folder = TinyCheckpoints.gpt2(tempdir().toPath().resolve("gpt2"))
        val told = ArrayList<LoadProgress>()
        CheckpointModel.open(folder, Maps).use { model -> model.load { told += it }.close() }
        told.mapNotNull { it.layer }.distinct() shouldBe listOf(0, 1)
        told.map { it.bytes } shouldBe told.map { it.bytes }.sorted()
        told.last().bytes shouldBe told.last().totalBytes
    }
})
