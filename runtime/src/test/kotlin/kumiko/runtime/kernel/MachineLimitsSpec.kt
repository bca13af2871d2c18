package kumiko.runtime.kernel

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import kumiko.runtime.machine.MachineCode
import kumiko.runtime.run.Team
import java.lang.foreign.Arena
import java.util.OptionalDouble

class MachineLimitsSpec : FunSpec({
    test("every limit is measured, bf16 where it has instructions") {
        val round = Team(2).use { team -> LimitsMeter(team).use { it.round() } }
        round.readBytesPerSecond() shouldBeGreaterThan 1e8
        round.f32FlopsPerSecond() shouldBeGreaterThan 1e8
        round.bf16FlopsPerSecond().isPresent shouldBe (MachineCode.ofProcess().pairs().orNull() != null)
        if (round.bf16FlopsPerSecond().isPresent) round.bf16FlopsPerSecond().asDouble shouldBeGreaterThan 1e8
    }

    test("what lies in several places is read, whatever their sizes, and takes time") {
        Arena.ofConfined().use { arena ->
            val places = listOf(1L, 64L, 100_003L, 16_384L, 3L shl 20).map { arena.allocate(it, 64) }
            Team(2).use { team -> LimitsMeter(team).use { it.bytesPerSecond(places) } } shouldBeGreaterThan 1e6
        }
    }

    test("the limits of several rounds are those in the middle, each for itself") {
        fun limits(read: Double, f32: Double, bf16: Double) = MachineLimits(read, f32, OptionalDouble.of(bf16))
        MachineLimits.median(listOf(limits(1.0, 5.0, 7.0), limits(2.0, 4.0, 9.0), limits(3.0, 6.0, 8.0))) shouldBe limits(2.0, 5.0, 8.0)
        MachineLimits.median(
            listOf(MachineLimits(1.0, 2.0, OptionalDouble.empty())),
        ) shouldBe MachineLimits(1.0, 2.0, OptionalDouble.empty())
    }

    test("bf16 without instructions of its own takes as long as float32") {
        MachineLimits(1.0, 10.0, OptionalDouble.of(20.0)).seconds(10.0, 40.0) shouldBe 3.0
        MachineLimits(1.0, 10.0, OptionalDouble.empty()).seconds(10.0, 40.0) shouldBe 5.0
    }
})
