package kumiko.runtime.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll

class RequestsSpec : FunSpec({
    fun turns(lines: Int, turns: Int): List<List<Int>> = (0..<turns).map { turn ->
        buildList { Requests(lines, turns) { add(it) }.turn(turn) }
    }

    test("every line is asked for once, in the order they lie in, however many turns there are") {
        checkAll(Arb.int(0..40), Arb.int(1..40)) { lines, turns ->
            turns(lines, turns).flatten() shouldBe (0..<lines).toList()
        }
    }

    test("no turn asks for more than its share, rounded up") {
        checkAll(Arb.int(0..40), Arb.int(1..40)) { lines, turns ->
            turns(lines, turns).maxOf { it.size } shouldBeLessThanOrEqual Math.ceilDiv(lines, turns)
        }
    }

    test("a line is asked for no later than the turn that its share of them begins in, so that none is loaded before it was") {
        checkAll(Arb.int(1..40), Arb.int(1..40)) { lines, turns ->
            turns(lines, turns).forEachIndexed { turn, asked -> asked.forEach { turn shouldBeLessThanOrEqual it * turns / lines } }
        }
    }

    test("where there is nothing to ask for no turn asks") {
        for (turn in 0..<40) {
            buildList { Requests(0, 1) { add(it) }.turn(turn) }.shouldBeEmpty()
            Requests.NONE.turn(turn)
        }
    }
})
