package kumiko.cli

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldStartWith
import kumiko.cli.card.CardFile
import kumiko.testing.Golden
import java.nio.file.Files
import java.nio.file.Path

class VerifyCommandSpec : FunSpec({
    val root = tempdir().toPath()
    val llama = TinyCheckpoints.llama(root.resolve("llama"))

    /** A card of [checkpoint], called [name]. */
    fun card(checkpoint: Path, name: String, vararg reference: String): Path {
        val ran = kumiko("verify", "$checkpoint", *reference, "--out", "$root/$name")
        withClue(ran) { ran.code shouldBe Exit.GOOD }
        ran.out shouldBe "$root/$name.json and $root/$name.md: ${checkpoint.fileName}, all good\n"
        return root.resolve("$name.json")
    }

    fun against(card: Path, checkpoint: Path, vararg reference: String) = kumiko("verify", "$checkpoint", *reference, "--against", "$card")

    test("a card without a reference says what it can, and made again it is the same") {
        val file = card(llama, "alone")
        val card = CardFile.read(file)
        card.parity shouldBe null
        card.measured.decodeTokensPerSecond shouldBeGreaterThan 0.0
        against(file, llama) shouldBe Ran(Exit.GOOD, "nothing changed since $file\n", "")
        val page = Files.readString(root.resolve("alone.md"))
        Golden.check("verify/alone.md", page.substringBefore("## Measured here"))
    }

    test("a card says how far every node is from a reference") {
        val trace = "$root/trace.safetensors"
        kumiko("trace", "$llama", "--ids", "1,2,3", "--capture", "blocks.1", "--capture", "logits", "--out", trace).code shouldBe Exit.GOOD
        val file = card(llama, "compared", trace, "--atol", "1e-4")
        CardFile.read(file).parity!!.nodes.map { "${it.node} ${it.float32} ${it.float64}" } shouldBe
            listOf("blocks.1 within within", "logits within within")
        against(file, llama, trace, "--atol", "1e-4").code shouldBe Exit.GOOD
        val other = against(file, llama, trace, "--atol", "1e-3")
        other.code shouldBe Exit.CHECK_FAILED
        other.out shouldContain "  parity.nodes[logits].tolerance: 1.0E-4 -> 0.001\n"
    }

    test("another weight changes the hash of its file and the tokens, and the card says so") {
        val file = card(llama, "before")
        val changed = root.resolve("changed/llama").also { llama.toFile().copyRecursively(it.toFile()) }
        val weights = changed.resolve("model.safetensors")
        val bytes = Files.readAllBytes(weights)
        // The last tensor's, so that the header stays as it is.
        for (i in bytes.size - 4_000..<bytes.size) bytes[i] = 62
        Files.write(weights, bytes)
        val ran = against(file, changed)
        ran.code shouldBe Exit.CHECK_FAILED
        ran.out shouldStartWith "changed since $file:\n"
        ran.out.lines().map { it.trim().substringBefore(":") }.filter { it.startsWith("files") } shouldBe
            listOf("files[model.safetensors].sha256")
    }

    test("a reference that is not met fails the check") {
        val trace = "$root/other.safetensors"
        val gpt2 = TinyCheckpoints.gpt2(root.resolve("gpt2"))
        kumiko("trace", "$llama", "--ids", "1,2,3", "--capture", "logits", "--out", trace).code shouldBe Exit.GOOD
        kumiko("verify", "$llama", trace, "--atol", "0").code shouldBe Exit.CHECK_FAILED
        kumiko("verify", "$gpt2", trace, "--atol", "1").code shouldBe Exit.BAD_INPUT
    }

    test("what is no card is refused") {
        val none = root.resolve("none.json")
        against(none, llama) shouldBe Ran(Exit.BAD_INPUT, "", "$none: there is no such file. A card is what verify --out writes.\n")
        Files.writeString(none, "{}")
        against(none, llama).err shouldContain "$none: is no card: "
        against(root.resolve("llama/config.json"), llama).err shouldContain "is no card: "
    }

    // Written again with -Dgolden.update=true, after a change of a map for instance.
    val update = System.getProperty("golden.update").toBoolean()
    val present = Reference.foldersWith("", "expected.safetensors").map { "${it.fileName}" }

    for (set in present) {
        test("the card of $set is what is found today") {
            val folder = Reference.folder(set)
            val file = Path.of("cards/$set.json")
            if (update) kumiko("verify", "$folder", "$folder", "--out", "cards/$set").code shouldBe Exit.GOOD
            against(file, folder, "$folder") shouldBe Ran(Exit.GOOD, "nothing changed since $file\n", "")
        }
    }

    test("every reference checkpoint has a card, and every card its checkpoint").config(enabledOrReasonIf = Reference.present) {
        val cards = Path.of("cards").toFile().list().orEmpty().toList()
        cards shouldContainExactlyInAnyOrder present.flatMap { listOf("$it.json", "$it.md") }
    }
})
