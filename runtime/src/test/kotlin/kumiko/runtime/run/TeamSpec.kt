package kumiko.runtime.run

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import java.util.concurrent.CountDownLatch
import java.util.concurrent.CyclicBarrier
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicIntegerArray

class TeamSpec :
    FunSpec({
        test("every part is done once, run after run, by teams of every size") {
            for (threads in listOf(1, 2, 3, 7)) {
                Team(threads).use { team ->
                    for (run in 0 until 2000) {
                        val count = run % 23
                        val done = AtomicIntegerArray(maxOf(1, count))
                        team.run(count) { part, worker ->
                            check(worker in 0 until threads)
                            done.incrementAndGet(part)
                        }
                        for (part in 0 until count) done.get(part) shouldBe 1
                    }
                }
            }
        }

        test("a thread takes half of what is left of its share at a time, and half of another's that is held up, from the end") {
            Team(2).use { team ->
                val byWorker = List(2) { mutableListOf<Int>() }
                val bothBegun = CyclicBarrier(2)
                val others = CountDownLatch(12)
                team.run(16) { part, worker ->
                    if (part % 8 == 0) bothBegun.await()
                    synchronized(byWorker) { byWorker[worker] += part }
                    // Whoever has the first part is held up until all is done that was not taken with it.
                    if (part == 0) others.await() else others.countDown()
                }
                val (slow, quick) = byWorker.sortedBy { it.size }
                slow shouldBe listOf(0, 1, 2, 3)
                quick shouldBe (8 until 16).toList() + listOf(6, 7, 5, 4)
            }
        }

        test("two workers never hold the same number") {
            Team(4).use { team ->
                val busy = AtomicIntegerArray(4)
                val clashes = AtomicInteger()
                team.run(10_000) { _, worker ->
                    if (busy.incrementAndGet(worker) != 1) clashes.incrementAndGet()
                    busy.decrementAndGet(worker)
                }
                clashes.get() shouldBe 0
            }
        }

        test("what a part throws reaches the caller and the team works on") {
            Team(3).use { team ->
                for (bad in 0 until 50) {
                    shouldThrow<ArithmeticException> {
                        team.run(50) { part, _ ->
                            if (part ==
                                bad
                            ) {
                                throw ArithmeticException("part $part")
                            }
                        }
                    }
                        .message shouldBe "part $bad"
                }
                val sum = AtomicInteger()
                team.run(10) { part, _ -> sum.addAndGet(part) }
                sum.get() shouldBe 45
            }
        }

        test("a part cannot run another task on its team, and a closed team runs none") {
            val team = Team(2)
            shouldThrow<IllegalStateException> { team.run(2) { _, _ -> team.run(1) { _, _ -> } } }.message shouldBe
                "a part of a task cannot run another task on the same team"
            team.close()
            shouldThrow<IllegalStateException> { team.run(1) { _, _ -> } }.message shouldBe "the team is closed"
            shouldThrow<IllegalArgumentException> { Team(2).use { it.run(1 shl 22) { _, _ -> } } }.message shouldBe
                "a task of 4194304 parts; at most 4194303 can be shared out"
            shouldThrow<IllegalArgumentException> { Team(0) }.message shouldBe "a team needs at least one thread, not 0"
        }

        test("callers from several threads take turns") {
            Team(2).use { team ->
                val total = AtomicInteger()
                List(4) {
                    Thread { repeat(200) { team.run(5) { part, _ -> total.addAndGet(part) } } }.apply { start() }
                }.forEach { it.join() }
                total.get() shouldBe 4 * 200 * 10
            }
        }
    })
