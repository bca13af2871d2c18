package kumiko.studies

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import kumiko.architectures.Maps
import kumiko.architectures.gpt2
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.LoadedWeights
import kumiko.dsl.mapping.RandomParameters
import kumiko.dsl.spec.shrunk
import kumiko.runtime.graph.Graph
import kumiko.runtime.tensor.DType
import kotlin.math.abs

class InterventionsSpec : FunSpec({
    val spec = gpt2.shrunk(3, "vocab" to 40, "context" to 8, "embed" to 24, "heads" to 3)
    val folder = tempdir().toPath().resolve("gpt2").also {
        CheckpointExport(Maps["gpt2-hf"], spec).write(it, RandomParameters(1, DType.F32), Maps)
    }
    val clean = intArrayOf(1, 2, 3, 4)
    val corrupted = intArrayOf(1, 9, 3, 4)

    fun with(check: (Graph, LoadedWeights) -> Unit) = CheckpointModel.open(folder, Maps).use { model ->
        model.load().use { check(spec.compile(), it) }
    }

    fun near(a: DoubleArray, b: DoubleArray) = a.indices.all { abs(a[it] - b[it]) < 1e-5 }

    test("a prompt with all of another's last block says what the other says") {
        with { graph, weights ->
            val study = Interventions(graph, weights)
            val (good, bad) = listOf(clean, corrupted).map { study.run(listOf("blocks.2"), it) {} }
            near(study.patched("blocks.2", clean, corrupted), good) shouldBe true
            near(study.patched("blocks.0.attention.out", clean, corrupted), bad) shouldBe false
            near(good, bad) shouldBe false
        }
    }

    test("a head that adds nothing changes what is said, each in its own way") {
        with { graph, weights ->
            val study = Interventions(graph, weights)
            val whole = study.run(listOf("blocks.1"), clean) {}
            val heads = (0..2).map { study.ablated(1, it, 8, clean).toList() }
            heads.toSet().size shouldBe 3
            heads.forEach { it shouldNotBe whole.toList() }
        }
    }

    test("the lens on the last block is the model, on an earlier one it is not") {
        with { graph, weights ->
            val study = Interventions(graph, weights)
            val whole = study.run(listOf("blocks.1"), clean) {}
            near(study.lens(2, clean), whole) shouldBe true
            near(study.lens(0, clean), whole) shouldBe false
        }
    }

    test("Java says the same in the same words") {
        with { graph, weights ->
            val (kotlin, java) = Interventions(graph, weights) to InterventionsInJava(graph, weights)
            java.patched("blocks.1", clean, corrupted) shouldBe kotlin.patched("blocks.1", clean, corrupted)
            java.ablated(1, 2, 8, clean) shouldBe kotlin.ablated(1, 2, 8, clean)
            java.lens(1, clean) shouldBe kotlin.lens(1, clean)
        }
    }
})
