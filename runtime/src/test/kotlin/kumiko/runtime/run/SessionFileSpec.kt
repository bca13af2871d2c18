package kumiko.runtime.run

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.property.checkAll
import kumiko.runtime.checkpoint.CheckpointException
import kumiko.runtime.checkpoint.SafetensorsWriter
import kumiko.runtime.checkpoint.TensorFile
import kumiko.runtime.checkpoint.TensorSource
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Mask
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.tensor.DType
import java.nio.file.Files
import kotlin.random.Random

class SessionFileSpec : FunSpec({
    val directory = tempdir().toPath()

    test("a session goes on from its file as if it had never stopped") {
        checkAll(20, models) { model ->
            val file = directory.resolve("session.safetensors")
            model.compile().use { program ->
                val prompt = model.prompt(6, 1)
                val other = model.prompt(3, 2)
                program.open(3, 12).use { session ->
                    session.prefill(arrayOf(prompt, null, other))
                    session.save(file)
                    session.decode(intArrayOf(3, Session.SKIP, 4))
                    program.open(4, 20).use { resumed ->
                        resumed.prefill(3, *model.prompt(2, 4))
                        resumed.restore(file)
                        resumed.length(3) shouldBe 0
                        resumed.decode(intArrayOf(3, Session.SKIP, 4, Session.SKIP))
                        for (slot in listOf(0, 2)) resumed.row(slot) shouldBe session.row(slot)
                    }
                }
            }
        }
    }

    test("a session in bf16 keeps its rounded keys and values, and goes on from them") {
        checkAll(10, models) { model ->
            val file = directory.resolve("rounded.safetensors")
            model.compile(options().withArithmetic(Arithmetic.BFLOAT16)).use { program ->
                program.open(1, 12).use { session ->
                    session.prefill(0, *model.prompt(6, 1))
                    session.save(file)
                    session.decode(0, 3)
                    program.open(2, 20).use { resumed ->
                        resumed.restore(file)
                        resumed.decode(0, 3)
                        resumed.row(0) shouldBe session.row(0)
                    }
                }
                TensorFile.open(file).use { saved ->
                    for (name in saved.names()) saved.entry(name).dtype() shouldBe if (name.endsWith("logits")) DType.F32 else DType.BF16
                }
            }
        }
    }

    val model = randomModel(5) { it.copy(mask = Mask.Causal(), blocks = false, prefix = 0) }
    val file = directory.resolve("kept.safetensors")
    val program = model.compile()
    program.open(2, 8).use { session ->
        session.prefill(1, 1, 2, 3)
        session.save(file)
    }

    test("the logits of a restored session are those that were saved") {
        program.open(2, 8).use { session ->
            session.restore(file)
            assertClose(session.row(1), program.whole(intArrayOf(1, 2, 3)).last(), { "restored logits" })
        }
    }

    test("a file tells what it holds before there is a session, and gives back what was noted") {
        program.open(3, 8).use { session ->
            session.prefill(0, 1, 2)
            session.prefill(2, 4)
            val noted = directory.resolve("noted.safetensors")
            session.save(noted, mapOf("ids" to "1,2"))
            SavedSession.read(noted) shouldBe SavedSession(listOf(2, 0, 1), mapOf("ids" to "1,2"))
        }
        SavedSession.read(file) shouldBe SavedSession(listOf(0, 3), mapOf())
    }

    test("other weights of the same architecture are refused") {
        val other = TestModel(model.graph, randomWeights(model.graph, 6), "other weights", 6)
        other.compile().use { strange ->
            strange.open(2, 8).use { session ->
                shouldThrow<CheckpointException> { session.restore(file) }.message shouldBe
                    "$file: it was saved with other weights of the same architecture " +
                    "(weights is ${WeightsMark.of(program).sample()}, this session has ${WeightsMark.of(strange).sample()})"
            }
        }
    }

    test("a session saved before the types of keys and values were told goes on") {
        val old = directory.resolve("old.safetensors")
        TensorFile.open(file).use { saved ->
            val tensors = saved.names().map { TensorSource.of(it, saved.tensor(it)) }
            SafetensorsWriter.write(old, tensors, saved.metadata() - "keys and values")
        }
        program.open(2, 8).use { session ->
            session.restore(old)
            session.length(1) shouldBe 3
        }
    }

    test("another arithmetic, which keeps keys and values otherwise, is refused") {
        model.compile(options().withArithmetic(Arithmetic.BFLOAT16)).use { rounded ->
            rounded.open(2, 8).use { session ->
                shouldThrow<CheckpointException> { session.restore(file) }.message shouldBe
                    "$file: it was saved by another arithmetic (keys and values is F32, this session has BF16)"
            }
        }
    }

    test("a session of the same model under another name goes on") {
        val renamed = Graph("renamed", model.graph.nodes(), model.graph.output(), model.graph.positions())
        TestModel(renamed, model.weights, "renamed", 5).compile().use { same ->
            same.open(2, 8).use { session ->
                session.restore(file)
                session.length(1) shouldBe 3
            }
        }
    }

    test("a session of another model is refused") {
        randomModel(6).compile().use { other ->
            other.open(2, 8).use { session ->
                shouldThrow<CheckpointException> { session.restore(file) }.message shouldBe
                    "$file: it was saved with another model (graph is ${program.fingerprint()}, this session has ${other.fingerprint()})"
            }
        }
    }

    test("a session that does not fit is refused with both numbers") {
        program.open(2, 2).use { session ->
            shouldThrow<CheckpointException> { session.restore(file) }.message shouldBe
                "$file: the length of slot 1 is 3, but this session takes 0 to 2; open a session with more slots or a larger capacity"
        }
        program.open(1, 8).use { session ->
            shouldThrow<CheckpointException> { session.restore(file) }.message shouldBe
                "$file: slots is 2, but this session takes 0 to 1; open a session with more slots or a larger capacity"
        }
    }

    test("a damaged file is refused and changes nothing") {
        val bytes = Files.readAllBytes(file)
        val random = Random(1)
        val header = Long.SIZE_BYTES + bytes[0] + 256 * bytes[1]
        program.open(2, 8).use { session ->
            session.prefill(0, 1)
            val before = session.row(0)
            repeat(300) {
                val broken = directory.resolve("broken.safetensors")
                val hurt = bytes.copyOf(if (it % 2 == 0) bytes.size else random.nextInt(bytes.size))
                if (it % 2 == 0) hurt[random.nextInt(header)] = random.nextInt(256).toByte()
                Files.write(broken, hurt)
                val failure = runCatching { session.restore(broken) }.exceptionOrNull()
                if (failure != null) {
                    (failure is CheckpointException) shouldBe true
                    session.length(0) shouldBe 1
                    session.row(0) shouldBe before
                } else {
                    // A blank or a digit elsewhere may have changed without harm; start again from the known state.
                    session.clear(1)
                    session.clear(0)
                    session.prefill(0, 1)
                }
            }
        }
    }

    test("a file that is not a session is refused") {
        val other = directory.resolve("other.safetensors")
        Files.write(other, byteArrayOf(2, 0, 0, 0, 0, 0, 0, 0) + "{}".toByteArray())
        program.open(1, 8).use { session ->
            shouldThrow<CheckpointException> { session.restore(other) }.message shouldContain "it is not a saved session"
        }
    }
})
