package kumiko.runtime.checkpoint

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain

private const val DAMAGED = "The file is damaged or incomplete: fetch or export it again."

class SafetensorsSpec : FunSpec({
    val folder = folder()

    fun refusal(bytes: ByteArray): String {
        val path = folder.file("m.safetensors", bytes)
        return shouldThrow<CheckpointException> { TensorFile.open(path).close() }.message!!.removePrefix("$path: ")
    }

    fun tensor(type: String, shape: String, begin: Long, end: Long) =
        """{"dtype": "$type", "shape": $shape, "data_offsets": [$begin, $end]}"""

    test("names keep the order of the header, whatever the order of the data") {
        val header = """{"z": ${tensor("F32", "[1]", 4, 8)}, "__metadata__": {"k": "v"}, "a": ${tensor("F32", "[]", 0, 4)}}"""
        TensorFile.open(folder.file("order.safetensors", safetensors(header, floats(1f, 2f)))).use { file ->
            file.names() shouldBe listOf("z", "a")
            file.tensor("z").bytes() shouldBe floats(2f)
            file.entry("a").shape().rank() shouldBe 0
            file.metadata() shouldBe mapOf("k" to "v")
            file.contains("b") shouldBe false
        }
    }

    test("escapes and characters outside ASCII in names are read") {
        val header = """{"\u00e9\n\ud83d\ude00\/\"": ${tensor("U8", "[1]", 0, 1)}}"""
        TensorFile.open(folder.file("names.safetensors", safetensors(header, ByteArray(1)))).use {
            it.names() shouldBe listOf("é\n\uD83D\uDE00/\"")
        }
    }

    test("a file that ends before its header, or says so, is refused with both numbers") {
        refusal(ByteArray(3)) shouldBe "it has 3 bytes. Expected: 8 bytes of header length, a header, and data. $DAMAGED"
        refusal(longs(50) + ByteArray(20)) shouldBe
            "the header should be 50 bytes long, but only 20 bytes follow its length. Expected: a header inside the file. $DAMAGED"
        refusal(longs(-1) + ByteArray(20)) shouldBe
            "its first 8 bytes give a header length of 18446744073709551615. Expected: at most 100000000 bytes of header. $DAMAGED"
    }

    test("byte ranges that overlap, leave a hole, pass the end or stop before it are refused with the tensor's name") {
        fun two(begin: Long, end: Long) =
            refusal(safetensors("""{"a": ${tensor("F32", "[2]", 0, 8)}, "b": ${tensor("F32", "[2]", begin, end)}}""", ByteArray(16)))
        two(4, 12) shouldBe "tensor \"b\" at byte 4 of the data overlaps tensor \"a\". Expected: tensors one after the other. $DAMAGED"
        two(12, 20) shouldContain "tensor \"b\" should lie at bytes 12 to 20 of the data, which has 16 bytes."
        two(9, 17) shouldContain "tensor \"b\" should lie at bytes 9 to 17 of the data, which has 16 bytes."
        two(-8, 0) shouldContain "tensor \"b\" should lie at bytes -8 to 0 of the data"
        two(8, 12) shouldBe
            "tensor \"b\" is F32 [2], which takes 8 bytes, but has 4. Expected: as many bytes as type and shape take. $DAMAGED"
        val hole = """{"a": ${tensor("U8", "[4]", 0, 4)}, "b": ${tensor("U8", "[4]", 6, 10)}}"""
        refusal(safetensors(hole, ByteArray(10))) shouldContain
            "tensor \"b\" at byte 6 of the data leaves a hole of 2 bytes after tensor \"a\"."
        val short = """{"a": ${tensor("U8", "[4]", 0, 4)}}"""
        refusal(safetensors(short, ByteArray(10))) shouldContain
            "6 bytes follow the last tensor. Expected: the file to end with its last tensor."
    }

    test("shapes that are negative or leave 63 bits are refused") {
        fun shaped(type: String, shape: String) = refusal(safetensors("""{"a": ${tensor(type, shape, 0, 8)}}""", ByteArray(8)))
        shaped("F32", "[-2, -1]") shouldContain "tensor \"a\" has an impossible shape: shape [-2, -1] has a negative extent."
        shaped("F32", "[4611686018427387904, 4]") shouldContain "has more than 2^63 elements."
        shaped("F64", "[4611686018427387904]") shouldContain "tensor \"a\" is F64 [4611686018427387904], which takes more than 2^63"
        shaped("F32", "[18446744073709551616]") shouldContain "found the number 18446744073709551616. Expected: a number within 64"
        shaped("F32", "[2.0]") shouldContain "found the number 2.0. Expected: a whole number."
    }

    test("types outside the format and types without arithmetic here are told apart") {
        fun typed(type: String) = refusal(safetensors("""{"a": ${tensor(type, "[1]", 0, 8)}}""", ByteArray(8)))
        typed("Q7") shouldBe
            "tensor \"a\" has the unknown type \"Q7\". Expected: one of F64, F32, F16, BF16, F8_E4M3, F8_E5M2, I64, I32, " +
            "I16, I8, U64, U32, U16, U8, BOOL. $DAMAGED"
        typed("C64") shouldContain "tensor \"a\" has the type C64, which Kumiko cannot compute with."
        typed("Q8_0") shouldContain "unknown type \"Q8_0\""
    }

    test("headers that are no JSON are refused with the place of the fault") {
        val faults = mapOf(
            "" to "at byte 0: found the end of the text. Expected: '{'.",
            "{]" to "at byte 1: found ']'. Expected: '\"'.",
            """{"a": 1}""" to "at byte 6: found '1'. Expected: '{'.",
            """{"a": {}, "a": {}}""" to "tensor \"a\" lacks a part of its description.",
            """{"__metadata__": {"k": "1", "k": "2"}}""" to "found the key \"k\" a second time. Expected: every key once in an object.",
            """{"__metadata__": {"k": 1}}""" to "at byte 23: found '1'. Expected: '\"'.",
            "{} x" to "at byte 3: found 'x'. Expected: nothing after the value.",
            "{\"a\u0001" to "at byte 3: found byte 0x01. Expected: the end of the string.",
            """{"\q": 1}""" to "found an unknown escape. Expected: an escape of JSON.",
            """{"\ud800": 1}""" to "found an unknown escape. Expected: an escape of JSON.",
            """{"a": {"dtype": "F32", "other": 1}}""" to "tensor \"a\" has an unknown field \"other\".",
            """{"a": {"dtype": "F32", "shape": [01], """ to "found \"01\". Expected: a JSON value.",
        )
        for ((header, told) in faults) withClue(header) { refusal(safetensors(header)) shouldContain told }
        val invalid = longs(4) + byteArrayOf(0x7b, 0x22, 0xff.toByte(), 0x22)
        refusal(invalid) shouldContain "at byte 2: found bytes that are not UTF-8. Expected: UTF-8 text."
    }

    test("a name of a hostile file cannot write to the terminal or fill it") {
        val name = "\\u001b[2J" + "x".repeat(5000)
        val told = refusal(safetensors("""{"$name": ${tensor("Q7", "[1]", 0, 8)}}""", ByteArray(8)))
        told shouldContain "tensor \"?[2Jxxx"
        told.length shouldBe 1000 + "...".length + ". Expected: one of ${SafetensorsTypes.known()}. $DAMAGED".length
    }

    test("a tensor that is not in the file is refused with some names that are") {
        val header = """{"a": ${tensor("U8", "[1]", 0, 1)}}"""
        val path = folder.file("one.safetensors", safetensors(header, ByteArray(1)))
        TensorFile.open(path).use { file ->
            shouldThrow<CheckpointException> { file.entry("b") }.message shouldBe
                "$path: there is no tensor named \"b\" in it, but 1 others (a). Use a name that the file lists."
        }
    }

    test("a closed file refuses tensors, and tensors taken before refuse to be read") {
        val path = folder.file("closed.safetensors", safetensors("""{"a": ${tensor("U8", "[1]", 0, 1)}}""", ByteArray(1)))
        val file = TensorFile.open(path)
        val tensor = file.tensor("a")
        file.close()
        file.close()
        shouldThrow<CheckpointException> { file.tensor("a") }.message shouldBe
            "$path: tensor \"a\" was asked for after the file was closed. Keep it open."
        shouldThrow<IllegalStateException> { tensor.bytes() }.message shouldBe "Already closed"
    }

    test("a missing file and a directory are told apart") {
        shouldThrow<CheckpointException> { TensorFile.open(folder.resolve("none")) }.message shouldBe
            "${folder.resolve("none")}: there is no such file. Expected: a checkpoint file. Check the path for a typing mistake."
        shouldThrow<CheckpointException> { TensorFile.open(folder) }.message shouldBe
            "$folder is a directory. Expected: one checkpoint file. Open it as a checkpoint directory instead."
    }
})
