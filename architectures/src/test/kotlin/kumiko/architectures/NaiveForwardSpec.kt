package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.doubles.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.parameters
import kumiko.dsl.spec.shrunk
import kumiko.runtime.kernel.KernelProvider
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.run.NodeValue
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Sampler
import kumiko.runtime.run.Weights
import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena
import java.lang.foreign.MemorySegment
import kotlin.math.abs
import kotlin.random.Random

/** The models as the library runs them against the same models written down naively, on weights from a seed. */
class NaiveForwardSpec : FunSpec({
    val gpt = gpt2.shrunk(2, "vocab" to 29, "context" to 16, "embed" to 24, "heads" to 3)
    val llama = llama3_8b.shrunk(2, "vocab" to 31, "embed" to 32, "heads" to 4, "kvHeads" to 2, "hidden" to 44)
    val ids = intArrayOf(3, 0, 28, 7, 7, 12, 1, 19, 22)

    /** As large as makes attention choose and activations bend; float32 values, so that both sides have the same. */
    fun weights(spec: ModelSpec): Map<String, FloatArray> {
        val random = Random(11)
        return spec.parameters().associate { parameter ->
            val isGain = parameter.name.endsWith("norm.weight")
            parameter.name to FloatArray(parameter.count.toInt()) { (random.nextDouble(-0.5, 0.5) + if (isGain) 1.0 else 0.0).toFloat() }
        }
    }

    fun matrices(spec: ModelSpec, values: Map<String, FloatArray>): Weights {
        val all = spec.parameters().associate { parameter ->
            val shape = Shape.of(*parameter.shape.map(Int::toLong).toLongArray())
            val data = Arena.ofAuto().allocate(DType.F32.bytes(parameter.count), 64)
            data.copyFrom(MemorySegment.ofArray(values.getValue(parameter.name)))
            parameter.name to Matrix.of(Tensor(DType.F32, shape, data))
        }
        return Weights { all[it] }
    }

    fun naive(spec: ModelSpec, values: Map<String, FloatArray>, ids: IntArray): NaiveForward =
        NaiveForward(values.mapValues { (_, v) -> DoubleArray(v.size) { v[it].toDouble() } }).also {
            if (spec == gpt) it.gpt2(ids, 2, 24, 3) else it.llama(ids, 2, 32, 4, 2, 500_000.0)
        }

    fun difference(value: NodeValue, rows: Rows): Double {
        val flat = rows.flatMap { it.asList() }
        value.shape().elements() shouldBe flat.size.toLong()
        return flat.indices.maxOf { abs(value.get(it.toLong()) - flat[it]) }
    }

    /** The largest difference over all nodes that the naive model has, each of which must be seen. */
    fun worst(spec: ModelSpec, kernels: Kernels): Double {
        val values = weights(spec)
        val expected = naive(spec, values, ids).seen.mapKeys { (name, _) ->
            if (spec == llama) name.replace(Regex("attention\\.(query|key)$"), "attention.$1.rotary") else name
        }
        val found = HashMap<String, Double>()
        Program.compile(spec.compile(), matrices(spec, values), Options.of(kernels).capture("*")).use { program ->
            program.open(1, ids.size).use { session ->
                session.onCapture { value -> expected[value.node()]?.let { found[value.node()] = difference(value, it) } }
                session.prefill(0, *ids)
            }
        }
        found.keys shouldBe expected.keys
        return found.values.max()
    }

    for (spec in listOf(gpt, llama)) {
        test("every node of ${spec.name} in float64 is the naive model's") {
            worst(spec, ScalarKernels(DType.F64)) shouldBeLessThan 1e-11
        }

        test("every node of ${spec.name} in float32 is the naive model's to rounding") {
            worst(spec, KernelProvider.kernels()) shouldBeLessThan 2e-4
            worst(spec, ScalarKernels(DType.F32)) shouldBeLessThan 2e-4
        }

        test("${spec.name} decoded greedily with its cache writes what the naive model writes from the beginning") {
            val values = weights(spec)
            var text = ids.copyOf(4)
            val expected = List(10) {
                val logits = naive(spec, values, text).seen.getValue("logits").last()
                logits.indices.maxBy { logits[it] }.also { text += it }
            }
            Program.compile(spec.compile(), matrices(spec, values), Options.of(KernelProvider.kernels())).use { program ->
                program.open(1, 16).use { session ->
                    session.prefill(0, *ids.copyOf(4))
                    val written =
                        List(10) { session.sample(0, Sampler.greedy()).also { if (session.length(0) < 16) session.decode(0, it) } }
                    withClue("naive $expected") { written shouldBe expected }
                }
            }
        }
    }
})
