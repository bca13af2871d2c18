package kumiko.runtime.checkpoint

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kumiko.runtime.tensor.Shape

private const val DAMAGED = "The file is damaged or incomplete: fetch or export it again."

class TorchFileSpec : FunSpec({
    val folder = folder()

    fun refusal(bytes: ByteArray): String {
        val path = folder.file("m.pt", bytes)
        return shouldThrow<CheckpointException> { TensorFile.open(path).close() }.message!!.removePrefix("$path: ")
    }

    fun pickled(pickle: ByteArray) = refusal(torchZip(pickle, "0" to floats(1f, 2f)))

    fun dictionary(build: PickleText.() -> Unit) = PickleText().code('}').text("w").apply(build).code('s').end()

    test("a dense tensor is a view of the file, a transposed one is copied once") {
        val data = floats(1f, 2f, 3f, 4f, 5f, 6f)
        TensorFile.open(folder.file("dense.pt", torchFile(data, listOf(2, 3), listOf(3, 1)))).use { file ->
            file.tensor("w").data().isMapped shouldBe true
            file.tensor("w").bytes() shouldBe data
        }
        TensorFile.open(folder.file("turned.pt", torchFile(data, listOf(3, 2), listOf(1, 3)))).use { file ->
            file.entry("w").isContiguous shouldBe false
            file.tensor("w").bytes() shouldBe floats(1f, 4f, 2f, 5f, 3f, 6f)
            file.tensor("w") shouldBe file.tensor("w")
        }
    }

    test("a name outside the few that tensors need is refused by name, in every way of calling it") {
        val told = "which no table of tensors needs and which could run code; nothing was run. " +
            "Expected: tensors, dictionaries, lists, " +
            "numbers and text only. If you trust the file, load it in Python and save its state_dict alone, or save it as safetensors."
        pickled(dictionary { global("os", "system").text("true").code(0x85).code('R') }) shouldBe "its pickle asks for os.system, $told"
        pickled(dictionary { text("builtins").text("eval").code(0x93) }) shouldBe "its pickle asks for builtins.eval, $told"
        pickled(dictionary { global("torch.nn", "Linear").code(')').code(0x81) }) shouldBe "its pickle asks for torch.nn.Linear, $told"
    }

    test("an element type without arithmetic here is told from code") {
        pickled(dictionary { storage("0", 1, "ComplexFloatStorage") }) shouldBe
            "it has a torch.ComplexFloatStorage, whose elements Kumiko cannot compute with. " +
            "Expected: floating-point, whole, or truth " +
            "values. Convert these tensors, or leave them out of the file."
    }

    test("tensors that leave their storage are refused") {
        fun strided(sizes: List<Int>, strides: List<Int>, offset: Int = 0) = refusal(torchFile(floats(1f, 2f), sizes, strides, offset))
        strided(listOf(3), listOf(1)) shouldBe
            "tensor \"w\" reaches from element 0 to byte 12 of its storage, which has 8 bytes. " +
            "Expected: a tensor inside its storage. $DAMAGED"
        strided(listOf(2), listOf(1), 1) shouldContain "reaches from element 1 to byte 12"
        strided(listOf(1), listOf(1), -1) shouldContain "reaches from element -1 to byte 0"
        strided(listOf(2), listOf(-1), 1) shouldContain "tensor \"w\" has the stride -1. Expected: strides that are not negative."
        strided(listOf(-2), listOf(1)) shouldContain "tensor \"w\" has an impossible shape: shape [-2] has a negative extent."
        strided(listOf(2), listOf(1, 1)) shouldContain "found 1 sizes and 2 strides. Expected: a stride for every size."
    }

    test("a broadcast tensor that would unfold into far more than the file is refused, a small one is not") {
        val storage = floats(1f, 2f)
        refusal(torchFile(storage, listOf(1 shl 30, 1 shl 30), listOf(0, 0))) shouldContain
            "tensor \"w\" unfolds into F32 [1073741824, 1073741824], out of proportion to a file of"
        TensorFile.open(folder.file("wide.pt", torchFile(storage, listOf(3, 2), listOf(0, 1)))).use { file ->
            file.tensor("w").bytes() shouldBe floats(1f, 2f, 1f, 2f, 1f, 2f)
        }
    }

    test("a compressed archive is refused without unpacking a byte") {
        val pickle = PickleText().code('}').end()
        refusal(zip("m/data.pkl" to pickle, packed = true)) shouldBe
            "the zip entry \"m/data.pkl\" is compressed (method 8). " +
            "Expected: stored entries, as torch.save writes them for a state_dict. " +
            "Save the model's state_dict with torch.save; TorchScript programs and repacked archives are not read."
    }

    test("a zip file that claims more bytes than it has, or the same bytes twice, is refused") {
        val good = torchFile(floats(1f, 2f), listOf(2), listOf(1))
        val directory = good.indexOf(byteArrayOf(0x50, 0x4b, 1, 2))
        val claiming = good.copyOf().also { for (at in listOf(20, 24)) it[directory + at + 3] = 0x70 }
        refusal(claiming) shouldContain "the zip entry \"m/data.pkl\" claims 18790"
        val sharing = good.copyOf().also { for (at in listOf(20, 24)) it[directory + at] = (it[directory + at] + 45).toByte() }
        refusal(sharing) shouldContain "the zip entries \"m/data.pkl\" and \"m/data/0\" overlap. Expected: entries one after the other."
    }

    test("a zip file that was cut off is refused") {
        val good = torchFile(floats(1f, 2f), listOf(2), listOf(1))
        refusal(good.copyOf(good.size * 2 / 3)) shouldBe
            "it starts as a zip file, but its end, where the directory of a zip file lies, is missing. " +
            "Expected: a complete zip file. $DAMAGED"
    }

    test("a storage of another size than its tensors say, or none, is refused") {
        refusal(torchFile(floats(1f), listOf(1), listOf(1), elements = 2)) shouldBe
            "the storage \"0\" has 4 bytes, but its tensors say 8. Expected: equal sizes. $DAMAGED"
        val pickle = dictionary { tensor("7", 1, 0, listOf(1), listOf(1)) }
        pickled(pickle) shouldBe "the storage \"7\" is missing. Expected: an entry m/data/7. $DAMAGED"
    }

    test("dictionaries that hold themselves or share themselves into a flood are refused at once") {
        val itself = PickleText().code('}').code('q').code(0).text("a").code('h').code(0).code('s').end()
        pickled(itself) shouldContain "its dictionaries unfold into too much at \"a.a.a."
        val flood = PickleText().code('}').code('q').code(0)
        for (level in 1..30) {
            flood.code('}').text("a").code('h').code(level - 1).code('s').text("b").code('h').code(level - 1).code('s')
            flood.code('q').code(level)
        }
        pickled(flood.end()) shouldContain "its dictionaries unfold into too much"
    }

    test("a pickle that lacks operands, marks, values or its end is refused") {
        val broken = mapOf(
            "an instruction without its operand" to PickleText().code('s').end(),
            "an instruction without its mark" to PickleText().code('t').end(),
            "a reference to value 9, which was not made yet" to PickleText().code('h').code(9).end(),
            "the end of the pickle, 2147483647 bytes short of a value" to PickleText().code('X').int(Int.MAX_VALUE).end(),
            "instruction 0x96" to PickleText(5).code(0x96).end(),
            "protocol 6" to PickleText(6).end(),
            "a tuple of 0 as a key" to PickleText().code('}', ')', 'N', 's').end(),
            "a call of the text \"x\"" to PickleText().text("x").code(')', 'R').end(),
        )
        for ((told, pickle) in broken) withClue(told) { pickled(pickle) shouldContain "found $told. Expected: " }
    }

    test("a bare tensor, a bare pickle, a zip of something else and a Git LFS pointer are told apart") {
        pickled(PickleText().tensor("0", 2, 0, listOf(2), listOf(1)).end()) shouldBe
            "it holds a tensor. Expected: a dictionary that names its tensors. Save the model's state_dict with torch.save."
        refusal(PickleText().code('}').end()) shouldContain "it is a bare pickle. Expected: a file written by torch.save."
        refusal(zip("readme.txt" to ByteArray(3))) shouldContain "it is a zip file without a data.pkl in its top folder."
        refusal("version https://git-lfs.github.com/spec/v1\noid sha256:0\n".toByteArray()) shouldBe
            "it is a Git LFS pointer, not the file itself. Expected: a checkpoint file. Fetch the file with git lfs pull."
        refusal("hello".toByteArray()) shouldContain "its first bytes belong to no known checkpoint format (it has 5 bytes)."
    }

    test("nested dictionaries and lists give names joined by dots, and the texts and numbers beside them metadata") {
        val pickle = PickleText().code('}')
        pickle.text("model").code('}').text("w").tensor("0", 2, 0, listOf(2), listOf(1)).code('s', 's')
        pickle.text("list").code(']').tensor("0", 2, 1, listOf(), listOf()).code('a', 's').text("epoch").number(3).code('s')
        TensorFile.open(folder.file("nested.pt", torchZip(pickle.end(), "0" to floats(1f, 2f)))).use { file ->
            file.names() shouldBe listOf("model.w", "list.0")
            file.tensor("list.0").shape() shouldBe Shape.of()
            file.tensor("list.0").bytes() shouldBe floats(2f)
            file.metadata() shouldBe mapOf("epoch" to "3")
        }
        val twice = PickleText().code('}').text("a.w").tensor("0", 2, 0, listOf(2), listOf(1)).code('s')
        twice.text("a").code('}').text("w").tensor("0", 2, 0, listOf(2), listOf(1)).code('s', 's')
        pickled(twice.end()) shouldContain "the name \"a.w\" comes twice once dictionaries are joined by dots."
    }
})

private fun ByteArray.indexOf(part: ByteArray): Int = indices.first { at -> part.indices.all { this[at + it] == part[it] } }
