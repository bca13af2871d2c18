package kumiko.runtime.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.booleans.shouldBeTrue
import io.kotest.matchers.ints.shouldBeLessThanOrEqual
import io.kotest.matchers.shouldBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.int
import io.kotest.property.checkAll

private const val PAGE = 4096

class PagesSpec : FunSpec({
    test(
        "turns between two requests go over no more than a page, so that none is left out, and over more than half of one where a byte counts them",
    ) {
        checkAll(Arb.int(1..PAGE)) { bytes ->
            val turns = Pages.turns(bytes)
            turns.countOneBits() shouldBe 1
            turns shouldBeLessThanOrEqual 128
            turns * bytes shouldBeLessThanOrEqual PAGE
            (turns == 128 || turns * bytes > PAGE / 2).shouldBeTrue()
        }
    }

    test("a turn that reads more than a page asks each time") {
        Pages.turns(PAGE + 1) shouldBe 1
        Pages.turns(100 * PAGE) shouldBe 1
    }

    test("where no pages are asked for a turn has no code") {
        val code = Assembler()
        Pages.NONE.begin(code)
        Pages.NONE.turn(code)
        code.toBytes().size shouldBe 0
    }
})
