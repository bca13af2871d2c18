package kumiko.dsl.spec

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.shouldNotBe
import io.kotest.property.Arb
import io.kotest.property.arbitrary.arbitrary
import io.kotest.property.checkAll
import kumiko.dsl.model
import kotlin.random.Random

class DimSpec : FunSpec({
    val embed = Dim.of("embed", 768)
    val heads = Dim.of("heads", 12)

    test("a dim takes its name from the property") {
        lateinit var taken: Dim
        shouldThrow<SpecException> {
            model("names") {
                val width by dim(768)
                taken = width
            }
        }
        taken shouldBe Dim.of("width", 768)
    }

    test("a dim prints its name and size, computed ones their origin") {
        "$embed" shouldBe "embed(768)"
        "${Dim.of("headDim", embed / heads)}" shouldBe "headDim(64)"
        "${heads * Dim.of("headDim", 64)}" shouldBe "heads(12)*headDim(64)"
        (heads * Dim.of("headDim", 96)).shown() shouldBe "heads(12)*headDim(96) = 1152"
        "${4 * (embed + 1)}" shouldBe "4*(embed(768) + 1)"
        (4 * (embed - (heads - 1))).text shouldBe "4 * (embed - (heads - 1))"
    }

    test("dims are equal by content") {
        embed / heads shouldBe Dim.of("embed", 768) / Dim.of("heads", 12)
        embed / heads shouldNotBe Dim.of("embed", 768) / 12
    }

    test("a division with a remainder is refused with both dims") {
        shouldThrow<SpecException> { embed / Dim.of("heads", 10) }.message shouldBe
            "dim embed(768) does not divide evenly by heads(10): remainder 8"
    }

    test("sizes below one and beyond 2^31 are refused") {
        shouldThrow<SpecException> { Dim.of(0) }.message shouldBe "a dimension is at least 1, not 0"
        shouldThrow<SpecException> { heads - embed }.message shouldBe "dim heads(12) - embed(768) is -756, outside 1..2147483647"
        shouldThrow<SpecException> { embed * 3_000_000 }.message shouldBe "dim embed(768) * 3000000 is 2304000000, outside 1..2147483647"
        shouldThrow<SpecException> { Dim.of("2 many", 3) }.message shouldBe "'2 many' is no name for a dimension: letters and digits"
    }

    test("the hidden width of LLaMA follows Meta's rule") {
        swigluHidden(Dim.of("embed", 4_096), 1.3, 1_024).size shouldBe 14_336
        swigluHidden(Dim.of("embed", 4_096), 1.0, 256).size shouldBe 11_008
        swigluHidden(Dim.of("embed", 8_192), 1.3, 4_096).size shouldBe 28_672
        swigluHidden(embed, 1.3, 1_024).text shouldBe "swigluHidden(embed, 1.3, 1024)"
    }

    test("every dim reads back from its expression") {
        checkAll(500, Arb.dims()) { dim ->
            val table = DimTable()
            table.add(dim)
            table.parse(dim.text) shouldBe dim
        }
    }

    test("an expression that cannot be read shows where") {
        shouldThrow<SpecException> { DimTable().parse("4 * (8 + ") }.message shouldBe
            "cannot read the expression: expected a number or a name\n  4 * (8 + \n           ^"
        shouldThrow<SpecException> { DimTable().parse("4 $ 8") }.message shouldBe
            "cannot read the expression: expected the end\n  4 $ 8\n    ^"
        shouldThrow<SpecException> { DimTable().parse("(".repeat(100_000)) }.message.orEmpty().lines().first() shouldBe
            "cannot read the expression: nested too deep"
        shouldThrow<SpecException> { DimTable().parse("1.5") }.message shouldBe "a dimension is a whole number below 2^31, not 1.5"
    }

    test("an unknown name is refused with what is near") {
        val table = DimTable()
        table.add(embed)
        shouldThrow<SpecException> { table.parse("4 * emebd") }.message shouldBe "unknown dimension 'emebd'; did you mean embed?"
    }
})

/** Arithmetic over a few names, at random. */
private fun Arb.Companion.dims(): Arb<Dim> = arbitrary { source -> source.random.dim(4) }

private fun Random.dim(depth: Int): Dim = when (if (depth == 0) nextInt(2) else nextInt(7)) {
    0 -> Dim.of(nextInt(1, 50))
    1 -> listOf("embed" to 64, "heads" to 4, "x1" to 9).random(this).let { (name, size) -> Dim.of(name, size) }
    2 -> dim(depth - 1) + dim(depth - 1)
    3 -> small(depth).let { it * 7 - it }
    4 -> small(depth).let { (it * (it.size + 1)) / it }
    5 -> Dim.of("derived", Dim.of("embed", 64) / Dim.of("heads", 4)) * small(depth)
    else -> swigluHidden(small(depth), 1.3, 8)
}

/** Small enough that a square of it is a size, too. */
private fun Random.small(depth: Int): Dim = dim(depth - 1).let { if (it.size > 10_000) Dim.of(24) else it }
