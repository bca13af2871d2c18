package kumiko.runtime.run

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll
import kumiko.runtime.graph.Mask
import kumiko.runtime.kernel.VectorKernels
import kumiko.runtime.machine.HugePages
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import kotlin.random.Random

private const val SLOTS = 3
private const val HEADS = 4

/** So many that a head has room for two positions before it moves. */
private const val HEAD_DIM = 65_536

/** What stands in a place, other than in all others. */
private fun mark(slot: Int, head: Int, position: Int, round: Int) = (((slot * HEADS + head) * 64 + position) * 8 + round).toDouble()

private fun KeyValueCache.place(slot: Int, head: Int, position: Int) = offset(slot, head) + position.toLong() * HEAD_DIM

class KeyValueCacheSpec : FunSpec({
    test("sequences of any lengths keep what they hold when their heads move apart") {
        checkAll(20, Arb.int(1..23), Arb.int()) { capacity, seed ->
            val random = Random(seed)
            Arena.ofConfined().use { arena ->
                val cache = KeyValueCache(arena, "keys", DType.F32, SLOTS, HEADS, capacity, HEAD_DIM)
                val lengths = IntArray(SLOTS)
                val rounds = IntArray(SLOTS)
                repeat(12) {
                    val slot = random.nextInt(SLOTS)
                    if (random.nextInt(6) == 0) {
                        lengths[slot] = 0
                        rounds[slot]++
                    }
                    val longer = minOf(capacity, lengths[slot] + random.nextInt(1, 6))
                    cache.makeRoom(slot, lengths[slot], longer)
                    cache.room(slot) shouldBeLessThanOrEqual capacity
                    for (head in 0 until HEADS) {
                        for (position in lengths[slot] until longer) {
                            val mark = mark(slot, head, position, rounds[slot] % 8)
                            Elements.set(DType.F32, cache.data(), cache.place(slot, head, position), mark)
                        }
                    }
                    lengths[slot] = longer
                    for (s in 0 until SLOTS) {
                        for (head in 0 until HEADS) {
                            for (position in 0 until lengths[s]) {
                                withClue("slot $s, head $head, position $position") {
                                    Elements.get(DType.F32, cache.data(), cache.place(s, head, position)) shouldBe
                                        mark(s, head, position, rounds[s] % 8)
                                }
                            }
                        }
                    }
                }
            }
        }
    }

    test("heads begin close together, and are as far apart as the capacity at most") {
        Arena.ofConfined().use { arena ->
            val cache = KeyValueCache(arena, "keys", DType.F32, 1, HEADS, 100, HEAD_DIM)
            val rooms = listOf(1, 2, 3, 4, 5, 33, 65, 100).map { positions ->
                cache.makeRoom(0, positions - 1, positions)
                cache.room(0)
            }
            rooms shouldBe listOf(2, 2, 4, 4, 8, 64, 100, 100)
            HEADS * 2 * HEAD_DIM * 4L shouldBe HugePages.BYTES
            cache.makeRoom(0, 0, 1)
            cache.room(0) shouldBe 2
        }
    }

    test("a prompt whose heads move while it is computed gets what it gets where they had room from the beginning") {
        val model = randomModel(5) {
            it.copy(heads = 8, kvHeads = 8, headDim = 128, layers = 1, mask = Mask.Causal(), blocks = false, learned = false)
        }
        val prompt = model.prompt(1300, 1)
        val wanted = model.compile(options(VectorKernels()).withChunkRows(prompt.size)).use { program ->
            program.open(1, prompt.size).use { session ->
                session.prefill(0, *prompt)
                session.row(0)
            }
        }
        model.compile(options(VectorKernels()).withChunkRows(100)).use { program ->
            program.open(2, 100_000).use { session ->
                session.prefill(arrayOf(prompt, prompt.copyOf(700)))
                session.prefill(1, *prompt.copyOfRange(700, prompt.size))
                for (slot in 0..1) assertClose(session.row(slot), wanted, { "slot $slot" })
            }
        }
    }
})
