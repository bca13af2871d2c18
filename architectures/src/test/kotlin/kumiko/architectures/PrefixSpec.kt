package kumiko.architectures

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.doubles.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kumiko.dsl.compare.Account
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.*
import kumiko.runtime.graph.Activation
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import java.lang.foreign.ValueLayout
import kotlin.math.abs
import kotlin.math.tanh
import kotlin.random.Random

/** Rows in front of every sequence: as a table, and as a table behind two linear maps, which must be the same once multiplied out. */
class PrefixSpec : FunSpec({
    val plain = chatGlm6b.shrunk(3, "vocab" to 40, "embed" to 16, "heads" to 2)
        .copy(positions = blockPositions(blank = 30, generation = 31, start = 34))
    val embed = plain.dim("embed")
    val length = Dim.of("prefixLength", 4)
    val columns = 2 * plain.layers * embed
    val table = plain.copy(prefix = prefixRows(length, columns))
    val projected = plain.copy(
        prefix = prefixRows(length, embed) then linear(embed, embed, Bias.EVERYWHERE).named("up") then activation(Activation.TANH) then
            linear(embed, columns, Bias.EVERYWHERE).named("down"),
    )
    val ids = intArrayOf(5, 31, 34, 7, 9, 2)

    fun random(spec: ModelSpec): Map<String, DoubleArray> = Random(3).let { random ->
        spec.parameters().associate { p -> p.name to DoubleArray(p.count.toInt()) { random.nextDouble(-0.5, 0.5) } }
    }

    fun matrices(spec: ModelSpec, values: Map<String, DoubleArray>): Weights {
        val all = spec.parameters().associate { p ->
            val data = Arena.ofAuto().allocate(8 * p.count, 64)
            MemorySegment.copy(values.getValue(p.name), 0, data, ValueLayout.JAVA_DOUBLE, 0, p.count.toInt())
            p.name to Matrix.of(Tensor(DType.F64, Shape.of(*p.shape.map(Int::toLong).toLongArray()), data))
        }
        return Weights { all[it] }
    }

    fun logits(spec: ModelSpec, values: Map<String, DoubleArray>): DoubleArray {
        val options = Options.of(ScalarKernels(DType.F64)).withThreads(1)
        return Program.compile(spec.compile(), matrices(spec, values), options).use { program ->
            program.open(1, ids.size).use { session ->
                session.prefill(0, *ids)
                session.logits(0).toArray(ValueLayout.JAVA_DOUBLE)
            }
        }
    }

    fun distance(a: DoubleArray, b: DoubleArray) = a.indices.maxOf { abs(a[it] - b[it]) }

    /** `x W^T + b`, x `[rows, in]`. */
    fun linear(x: DoubleArray, weight: DoubleArray, bias: DoubleArray): DoubleArray {
        val width = weight.size / bias.size
        return DoubleArray(x.size / width * bias.size) { at ->
            val (row, out) = at / bias.size to at % bias.size
            bias[out] + (0..<width).sumOf { x[row * width + it] * weight[out * width + it] }
        }
    }

    test("a projected prefix is the table it multiplies out to") {
        val values = random(projected)
        val up = linear(values.getValue("prefix.rows.weight"), values.getValue("prefix.up.weight"), values.getValue("prefix.up.bias"))
        val active = DoubleArray(up.size) { tanh(up[it]) }
        val down = linear(active, values.getValue("prefix.down.weight"), values.getValue("prefix.down.bias"))
        val same = logits(table, values + ("prefix.rows.weight" to down))
        distance(logits(projected, values), same) shouldBeLessThan 1e-12
        distance(logits(plain, values), same) shouldBeGreaterThan 1e-3
    }

    test("a prefix is part of a spec file, of the parameters and of no call's cost") {
        ModelSpec.fromJson(projected.toJson()) shouldBe projected
        table.parameters().filter { it.name.startsWith("prefix") }.map { "$it" } shouldBe
            listOf("prefix.rows.weight  [prefixLength(4), 6*embed(16)]")
        table.parameterCount() shouldBe plain.parameterCount() + 4 * 2 * 3 * 16
        Account.of(projected).flops(7, 0) shouldBe Account.of(plain).flops(7, 0)
        Account.of(projected).parameters shouldBe projected.parameterCount()
    }

    test("a prefix that does not reach all layers is refused") {
        shouldThrow<SpecException> {
            plain.copy(prefix = prefixRows(length, embed))
        }.message shouldBe """
            chatglm-6b: 1 problem
              prefix   has 16 columns, but 3 layers take 96: keys and values of each
                       write a width of 2 * layers * kvHeads * headDim
        """.trimIndent()
        shouldThrow<SpecException> {
            plain.copy(prefix = tokens(embed, columns))
        }.message shouldBe """
            chatglm-6b: 1 problem
              prefix   does not begin with rows of its own
                       begin it with prefixRows(length, width)
        """.trimIndent()
    }
})
