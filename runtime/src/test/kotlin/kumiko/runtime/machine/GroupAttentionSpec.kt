package kumiko.runtime.machine

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Elements
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.math.exp
import kotlin.math.max
import kotlin.random.Random

/** float32 with some that are not numbers behind the last. */
private class Floats(val size: Int, value: (Int) -> Float) {
    private val memory: MemorySegment = Arena.ofAuto().allocate(4L * (size + 32), 4).fill(-1)
    val address = memory.address()

    init {
        for (i in 0 until size) this[i] = value(i)
    }

    operator fun get(i: Int) = memory.get(ValueLayout.JAVA_FLOAT, 4L * i)

    operator fun set(i: Int, value: Float) = memory.set(ValueLayout.JAVA_FLOAT, 4L * i, value)

    fun endsWhereItDid() = (size until size + 32).all { this[it].isNaN() }
}

/** Keys or values as [type] holds them, and behind the last some that are no numbers. */
private class Cached(private val type: DType, size: Int, value: (Int) -> Float) {
    private val memory: MemorySegment = Arena.ofAuto().allocate(type.bytes(size + 32L), 4).fill(-1)
    val address = memory.address()

    init {
        for (i in 0 until size) Elements.set(type, memory, i.toLong(), value(i).toDouble())
    }

    operator fun get(i: Int) = Elements.get(type, memory, i.toLong())
}

private const val STATE = GroupAttention.STATE_BYTES / 4

/** Where the score of [query] and the key with this number stands behind a state. */
private fun place(queries: Int, query: Int, number: Int): Int {
    val keys = GroupAttention.keys(queries)
    return STATE + number / keys * GroupAttention.BLOCK + query * keys + number % keys
}

/** Which number [key] has among so many. */
private fun GroupAttention.number(key: Int, keys: Int): Int {
    val quarter = inFour(keys) / 4
    return if (key < 4 * quarter) key % quarter * 4 + key / quarter else key
}

class GroupAttentionSpec : FunSpec({
    for ((width, ahead) in Width.entries.flatMap { width -> listOf(Ahead.TWICE, Ahead.GAPS).map { width to it } }) {
        context("by $width, where memory is asked for $ahead") {
            val here = width.here
            val attentions = if (here) {
                listOf(WeightVector.F32, WeightVector.BF16).associateWith {
                    GroupAttention(it, ahead, width.pages())
                }
            } else {
                mapOf()
            }
            val attention = attentions[WeightVector.F32]
            val random = Random(1)
            val any = { _: Int -> random.nextDouble(-1.0, 1.0).toFloat() }

            fun forTypes(queries: List<Int>, check: (WeightVector, GroupAttention, Int) -> Unit) {
                for ((type, own) in attentions) for (count in queries) check(type, own, count)
            }

            test("every key of whole blocks meets every query, whatever their width and type").config(enabled = here) {
                forTypes(listOf(1, 2, 4)) { type, own, queries ->
                    for (columns in listOf(1, 15, 16, 17, 64, 100, 128, 129)) {
                        for (blocks in listOf(1, 2, 3, 5, 18)) {
                            val keys = blocks * GroupAttention.keys(queries)
                            val q = Floats(queries * columns, any)
                            val k = Cached(type.type(), keys * columns, any)
                            val scores = Floats(STATE + blocks * GroupAttention.BLOCK) { 7f }
                            own.score(queries, q.address, k.address, blocks, columns, scores.address + GroupAttention.STATE_BYTES)
                            for (query in 0 until queries) {
                                for (key in 0 until keys) {
                                    val want = (0 until columns).sumOf { q[query * columns + it].toDouble() * k[key * columns + it] }
                                    withClue("$type, $queries queries, $columns columns, query $query, key $key of $keys") {
                                        abs(
                                            scores[place(queries, query, own.number(key, keys))] - want,
                                        ) shouldBeLessThanOrEqual (columns + 4) * 6e-8
                                    }
                                }
                            }
                            (0 until STATE).all { scores[it] == 7f } shouldBe true
                            scores.endsWhereItDid() shouldBe true
                        }
                    }
                }
            }

            test("many keys are read from four places where weights are, all but a last few").config(enabled = here) {
                listOf(1, 63, 64, 79, 80, 1000).map(attention!!::inFour) shouldBe
                    if (ahead == Ahead.TWICE) listOf(0, 0, 64, 64, 80, 992) else List(6) { 0 }
            }

            test("scores become exponentials, and those behind the last key take no part").config(enabled = here) {
                for (queries in listOf(1, 2, 4)) {
                    for (keys in 1..40) {
                        val blocks = Math.ceilDiv(keys, GroupAttention.keys(queries))
                        val scores = Floats(STATE + blocks * GroupAttention.BLOCK) { Float.NaN }
                        for (q in 0 until queries) for (k in 0 until keys) scores[place(queries, q, k)] = 30 * any(0)
                        val before = List(queries) { q -> List(keys) { scores[place(queries, q, it)] } }
                        attention!!.soften(queries, scores.address + GroupAttention.STATE_BYTES, keys, 0.5f)
                        for (q in 0 until queries) {
                            val most = before[q].fold(-Float.MAX_VALUE) { most, score -> max(most, 0.5f * score) }
                            val want = before[q].map { exp((0.5f * it - most).toDouble()) }
                            withClue("$queries queries, query $q of $keys keys") {
                                val own = q * GroupAttention.keys(queries)
                                scores[GroupAttention.MAX / 4 + own] shouldBe most
                                abs(scores[GroupAttention.SUM / 4 + own] - want.sum()) shouldBeLessThanOrEqual 4e-7 * want.sum()
                                for (k in 0 until keys) {
                                    abs(scores[place(queries, q, k)] - want[k]) shouldBeLessThanOrEqual 1.5e-7 * want[k]
                                }
                                for (k in keys until blocks * GroupAttention.keys(queries)) scores[place(queries, q, k)] shouldBe 0f
                            }
                        }
                        scores.endsWhereItDid() shouldBe true
                    }
                }
            }

            test("two queries get, bit for bit, what they get among four").config(enabled = here) {
                val columns = 40
                forTypes(listOf(1, 4, 5, 8, 12, 13, 37, 64, 100)) { type, own, keys ->
                    val query = Floats(4 * columns, any)
                    val key = Cached(type.type(), (keys + 8) * columns, any)
                    val value = Cached(type.type(), keys * columns, any)

                    fun attend(queries: Int, first: Int): List<Float> {
                        val blocks = Math.ceilDiv(keys, GroupAttention.keys(queries))
                        val scores = Floats(STATE + blocks * GroupAttention.BLOCK) { 1f }
                        val block = scores.address + GroupAttention.STATE_BYTES
                        val to = Floats(queries * columns) { 0f }
                        own.score(queries, query.address + 4L * first * columns, key.address, blocks, columns, block)
                        own.soften(queries, block, keys, 0.5f)
                        own.mix(queries, block, value.address, keys, columns, to.address)
                        val sums = List(queries) { scores[GroupAttention.SUM / 4 + it * GroupAttention.keys(queries)] }
                        return sums + List(to.size) { to[it] / sums[it / columns] }
                    }
                    val four = attend(4, 0)
                    for (first in listOf(0, 2)) {
                        val two = attend(2, first)
                        withClue("$type, $keys keys") {
                            two.take(2) shouldBe four.subList(first, first + 2)
                            two.drop(2) shouldBe four.drop(4).subList(first * columns, (first + 2) * columns)
                        }
                    }
                }
            }

            test("values of every type are weighted by every query's exponentials and its factor").config(enabled = here) {
                forTypes(listOf(1, 2, 4)) { type, own, queries ->
                    for (columns in listOf(1, 15, 16, 17, 40, 64, 65, 128, 200)) {
                        for (keys in listOf(1, 3, 4, 5, 15, 16, 17, 37, 64, 83)) {
                            val blocks = Math.ceilDiv(keys, GroupAttention.keys(queries))
                            val scores = Floats(STATE + blocks * GroupAttention.BLOCK) { any(0) }
                            val values = Cached(type.type(), keys * columns, any)
                            val to = Floats(queries * columns) { 7f }
                            own.mix(queries, scores.address + GroupAttention.STATE_BYTES, values.address, keys, columns, to.address)
                            for (q in 0 until queries) {
                                for (d in 0 until columns) {
                                    val sum = (0 until keys).sumOf {
                                        scores[place(queries, q, own.number(it, keys))].toDouble() * values[it * columns + d]
                                    }
                                    withClue("$type, $queries queries, $keys keys, query $q, column $d of $columns") {
                                        val want = sum * scores[GroupAttention.FACTORS / 4 + q]
                                        abs(to[q * columns + d] - want) shouldBeLessThanOrEqual (keys + 4) * 6e-8
                                    }
                                }
                            }
                            to.endsWhereItDid() shouldBe true
                        }
                    }
                }
            }
        }
    }
})
