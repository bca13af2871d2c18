package kumiko.cli.text

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.collections.shouldContainExactlyInAnyOrder
import io.kotest.matchers.ints.shouldBeLessThan
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.Codepoint
import io.kotest.property.arbitrary.element
import io.kotest.property.arbitrary.string
import io.kotest.property.checkAll
import kumiko.cli.Refusal
import java.nio.file.Path
import kotlin.io.path.writeBytes
import kotlin.io.path.writeText

class TokenizerFilesSpec : FunSpec({
    fun folder(fill: (Path) -> Unit): Path = tempdir().toPath().also(fill)

    fun open(fill: (Path) -> Unit): Tokenizer = TokenizerFiles.open(folder(fill))!!

    val formats = mapOf<String, (Path) -> Unit>(
        "tiktoken" to TinyTokenizers::tiktoken,
        "GPT-2" to TinyTokenizers::gpt2,
        "SentencePiece byte pairs" to { TinyTokenizers.sentencePiece(it) },
        "SentencePiece unigram" to { TinyTokenizers.sentencePiece(it, type = 1) },
    )

    test("a folder without tokenizer files has no tokenizer") {
        TokenizerFiles.present(folder {}) shouldBe false
        TokenizerFiles.open(folder {}) shouldBe null
    }

    test("a tiktoken file takes whole pieces from its ranks and numbers LLaMA 3's special tokens after them") {
        open(TinyTokenizers::tiktoken).use {
            it.encode("hello w").toList().shouldContainExactly(258, 259)
            it.encode("hell").toList().shouldContainExactly(256, 257)
            it.prompt("he<|eot_id|>").toList().shouldContainExactly(260, 256, 269)
            it.beginning.shouldContainExactly(260)
            it.stops.shouldContainExactlyInAnyOrder(260, 261, 269)
        }
    }

    test("a GPT-2 vocabulary merges in the order of merges txt and ends at endoftext") {
        open(TinyTokenizers::gpt2).use {
            it.encode("hello w").toList().shouldContainExactly(259, 260)
            it.encode("hell").toList().shouldContainExactly(258)
            it.beginning.shouldContainExactly()
            it.stops.shouldContainExactly(261)
            it.prompt("<|endoftext|>").toList().shouldContainExactly(261)
        }
    }

    test("a SentencePiece model writes a blank before the text and falls back to bytes") {
        open { TinyTokenizers.sentencePiece(it) }.use {
            it.prompt("hello").toList().shouldContainExactly(1, 259 + 4)
            it.encode("h\u00e9").toList().shouldContainExactly(259, 3 + 0xc3, 3 + 0xa9)
            it.stops.shouldContainExactlyInAnyOrder(1, 2)
        }
    }

    test("tokenizer_config and generation_config say what begins and what ends a text") {
        open {
            TinyTokenizers.sentencePiece(it)
            it.resolve("tokenizer_config.json").writeText("""{"add_bos_token": false}""")
            it.resolve("generation_config.json").writeText("""{"eos_token_id": [7, 9]}""")
        }.use {
            it.prompt("hello").toList().shouldContainExactly(263)
            it.stops.shouldContainExactlyInAnyOrder(1, 2, 7, 9)
        }
    }

    for ((name, fill) in formats) {
        test("$name decodes what it encoded, whole and streaming") {
            val characters = listOf(Codepoint('h'.code), Codepoint(' '.code), Codepoint(0xe9), Codepoint(0x20ac), Codepoint(0x1f600))
            open(fill).use { tokenizer ->
                checkAll(200, Arb.string(1..24, Arb.element(characters))) { text ->
                    val ids = tokenizer.encode(text)
                    val whole = tokenizer.decode(ids)
                    whole shouldBe text
                    val stream = tokenizer.stream(intArrayOf())
                    ids.joinToString("") { stream.push(it) } + stream.finish() shouldBe whole
                }
            }
        }
    }

    test("a character that never becomes whole shows at the end only") {
        open(TinyTokenizers::tiktoken).use {
            val stream = it.stream(intArrayOf())
            listOf(0xf0, 0x9f, 0x98).map(stream::push) shouldContainExactly listOf("", "", "")
            stream.finish() shouldBe "\uFFFD"
        }
    }

    test("the work for one id does not grow with the text before it") {
        var longest = 0
        val stream = StreamingDecoder(intArrayOf()) { ids ->
            longest = maxOf(longest, ids.size)
            ids.joinToString("") { ('a' + it % 26).toString() }
        }
        (0..<1000).joinToString("", transform = stream::push).length shouldBe 1000
        longest shouldBeLessThan 32
    }

    context("files that cannot be used") {
        fun message(name: String, text: String, more: (Path) -> Unit = {}): String {
            val folder = folder {
                more(it)
                it.resolve(name).writeText(text)
            }
            return shouldThrow<Refusal> { TokenizerFiles.open(folder) }.message.replace("$folder", "F")
        }

        test("a tokenizer json that is something else") {
            message("tokenizer.json", "{\"a\": 1}") shouldBe
                "F/tokenizer.json: cannot be used as a tokenizer: expected `,` or `}` at line 1 column 5"
        }

        test("a tiktoken file with a damaged line") {
            message("tokenizer.model", "IQ== 0\nIg== 2\n") shouldBe "F/tokenizer.model: line 2 has rank 2, but ranks count " +
                "lines, from 0. The file is damaged, or is no tiktoken vocabulary."
            message("tokenizer.model", "IQ== 0\n!\n") shouldBe "F/tokenizer.model: line 2 is not a base64 token and a rank. " +
                "The file is damaged, or is no tiktoken vocabulary."
            message("tokenizer.model", "IQ== 0\nIQ== 1\n") shouldBe "F/tokenizer.model: line 2 repeats an earlier token. " +
                "The file is damaged, or is no tiktoken vocabulary."
        }

        test("a SentencePiece file that is something else, cut off, or of another type") {
            message("tokenizer.model", "hello") shouldBe "F/tokenizer.model: not a SentencePiece model: field 13 has wire type 4. " +
                "The file is damaged, or is something else."
            message("tokenizer.model", "") shouldBe "F/tokenizer.model: cannot be used as a SentencePiece model: it has no pieces."
            val folder = folder { TinyTokenizers.sentencePiece(it, type = 3) }
            shouldThrow<Refusal> { TokenizerFiles.open(folder) }.message shouldBe "$folder/tokenizer.model: cannot be used " +
                "as a SentencePiece model: it is of model type 3; known are 1 (unigram) and 2 (byte pairs)."
        }

        test("a piece so long that the ways to split it would not end") {
            val folder =
                folder {
                    val long = TinyTokenizers.bytes(1, TinyTokenizers.bytes(1, ByteArray(5000) { 97 }))
                    it.resolve("tokenizer.model").writeBytes(long)
                }
            shouldThrow<Refusal> { TokenizerFiles.open(folder) }.message shouldBe "$folder/tokenizer.model: cannot be used " +
                "as a SentencePiece model: a piece has 5000 characters; the longest allowed is 4096."
        }

        test("merges that name tokens which the vocabulary lacks") {
            message("merges.txt", "a b\n", more = { it.resolve("vocab.json").writeText("{\"a\": 0, \"b\": 1}") }) shouldBe
                "F/merges.txt: line 1 names 'ab', which the vocabulary lacks"
            message("merges.txt", "a\n", more = { it.resolve("vocab.json").writeText("{\"a\": 0}") }) shouldBe
                "F/merges.txt: line 1 is not two tokens separated by a blank: 'a'"
        }

        test("a configuration beside it that is not JSON") {
            message("config.json", "{", more = TinyTokenizers::gpt2) shouldBe
                "F/config.json: not valid JSON (Unexpected JSON token at offset 0: Expected end of the object '}', but had 'EOF' instead at path: $)"
        }
    }
})
