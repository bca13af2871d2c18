package kumiko.runtime.run

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.graph.Mask
import kumiko.runtime.graph.Positions
import kumiko.runtime.referenceData
import kumiko.runtime.tensor.Elements
import java.nio.file.Files
import java.nio.file.Path

private fun sequences(set: Path): List<IntArray> {
    val lists = Files.readString(set.resolve("input.json")).substringAfter("\"sequences\"").substringBefore("\"max_new_tokens\"")
    return Regex("\\[([0-9,\\s]+)]").findAll(lists).map {
        it.groupValues[1].split(',').map { id -> id.trim().toInt() }.toIntArray()
    }.toList()
}

private fun TensorFile.numbers(name: String): List<Int> = tensor(name).let { tensor ->
    List(tensor.shape().elements().toInt()) { Elements.get(tensor.dtype(), tensor.data(), it.toLong()).toInt() }
}

class PositionsSpec : FunSpec({
    test("positions and visible keys of GLM are those of its original code").config(enabled = referenceData != null) {
        for (set in listOf("chatglm-6b", "chatglm-6b-ptuning").map { referenceData!!.resolve(it) }) {
            TensorFile.open(set.resolve("expected.safetensors")).use { expected ->
                sequences(set).forEachIndexed { s, ids ->
                    val state = SequenceState()
                    state.begin("chatglm", Positions.Blocks(152, 153, 156), 0, ids)
                    val positions = listOf(0, 1).flatMap { axis -> ids.indices.map { state.position(axis, it) } }
                    positions shouldBe expected.numbers("seq$s.position_ids")
                    val mask = Mask.PrefixCausal()
                    val forbidden = ids.indices.flatMap { row ->
                        val seen = state.visibleFrom(mask, row) until state.visibleTo(mask, row)
                        ids.indices.map { if (it in seen) 0 else 1 }
                    }
                    forbidden shouldBe expected.numbers("seq$s.attention_mask")
                }
            }
        }
    }

    test("a window slides with its row") {
        val state = SequenceState().apply { begin("plain", Positions.Sequential(), 0, intArrayOf(1)) }
        (0..4).map { state.visibleFrom(Mask.Window(3), it) to state.visibleTo(Mask.Window(3), it) } shouldBe
            listOf(0 to 1, 0 to 2, 0 to 3, 1 to 4, 2 to 5)
        (0..2).map { state.position(0, it) } shouldBe listOf(0, 1, 2)
    }
})
