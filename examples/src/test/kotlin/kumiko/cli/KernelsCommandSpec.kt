package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContainExactly
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.shouldBe
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.jsonObject
import kumiko.cli.bench.KernelBench
import kumiko.cli.bench.KernelResult
import kumiko.cli.bench.KernelSettings
import kumiko.cli.bench.LinearCase
import kumiko.cli.bench.LinearProgram
import kumiko.cli.bench.LinearSpeed
import kumiko.cli.bench.MatrixSize
import kumiko.cli.bench.Round
import kumiko.cli.bench.Warmth
import kumiko.cli.bench.arguments
import kumiko.cli.bench.linearSpeeds
import kumiko.cli.bench.printResult
import kumiko.cli.bench.toJson
import kumiko.runtime.graph.Cost
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Pass
import kumiko.runtime.kernel.Arithmetic.BFLOAT16
import kumiko.runtime.kernel.Arithmetic.FLOAT32
import kumiko.runtime.kernel.MachineLimits
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.tensor.DType
import kumiko.testing.Golden
import java.util.EnumSet
import java.util.OptionalDouble

class KernelsCommandSpec : FunSpec({
    val settings = KernelSettings(
        listOf(MatrixSize(64, 96)),
        listOf(DType.BF16),
        listOf(1, 8),
        rounds = 3,
        Warmth(1, 0.0),
        options(2),
    )

    fun refused(vararg arguments: String): String = kumiko("kernels", *arguments).also { it.code shouldBe Exit.BAD_INPUT }.err

    fun speed(case: LinearCase, vararg seconds: Double) = LinearSpeed(
        case,
        if (case.arithmetic == BFLOAT16) 1 else 0,
        seconds.mapIndexed { i, s -> Round(MachineLimits(25e9 * (i + 1), 200e9, OptionalDouble.of(400e9)), s * case.copies) },
    )

    test("copies of a weight are read from memory, of a product with many rows two at least") {
        val size = MatrixSize(2048, 8192)
        LinearCase(size, DType.F32, FLOAT32, 1).run { bytes * copies } shouldBe (1L shl 29)
        LinearCase(size, DType.Q4_0, FLOAT32, 8).run { bytes * copies } shouldBeGreaterThan (1L shl 29) - 1
        LinearCase(size, DType.Q4_0, FLOAT32, 512).copies shouldBe 2
        LinearCase(MatrixSize(64, 64), DType.F32, FLOAT32, 1).copies shouldBe 512
    }

    test("what is measured does the arithmetic of its linear layers and little else, each added to those before") {
        val case = LinearCase(MatrixSize(2048, 8192), DType.Q8_0, FLOAT32, 8)
        val graph = Pass.applyAll(LinearProgram.graph(case), EnumSet.allOf(Pass::class.java)) { false }
        graph.nodes().count { it.op() is Op.LinearAdd } shouldBe case.copies - 1
        val flops = Cost.flops(graph, case.rows.toLong(), 0, Cost.Pairs.CAUSAL).toDouble()
        flops shouldBe (case.flops.toDouble() * case.copies plusOrMinus 0.01 * flops)
    }

    test("every number of rows is measured in every type, bf16 in both arithmetics") {
        val speeds = KernelBench(settings).run().speeds
        speeds.map { it.case.rows to it.case.arithmetic } shouldContainExactly
            listOf(1 to FLOAT32, 8 to FLOAT32, 1 to BFLOAT16, 8 to BFLOAT16)
        speeds.forEach { speed -> speed.rounds.minOf { it.seconds } shouldBeGreaterThan 0.0 }
    }

    test("weights in blocks are measured in both arithmetics where there are many rows") {
        val cases = settings.copy(dtypes = listOf(DType.Q8_0, DType.F16), rows = listOf(1, 8, 9)).cases
        cases.map { Triple(it.dtype, it.rows, it.arithmetic) } shouldContainExactly
            listOf(1, 8, 9).map { Triple(DType.Q8_0, it, FLOAT32) } + Triple(DType.Q8_0, 9, BFLOAT16) +
            listOf(1, 8, 9).map { Triple(DType.F16, it, FLOAT32) }
    }

    test("a share is the median of what each round reached of the limits before it") {
        val case = LinearCase(MatrixSize(1000, 500), DType.F32, FLOAT32, 2)
        val speed = speed(case, 1e-3, 2e-3, 1e-3)
        speed.bytesPerSecond shouldBe (2e9 plusOrMinus 1.0)
        speed.shareOfBandwidth shouldBe (2e9 / 75e9 plusOrMinus 1e-9)
        speed.shareOfPeak shouldBe (2e9 / 200e9 plusOrMinus 1e-9)
        speed.copy(bf16Products = 1).shareOfPeak shouldBe (2e9 / 400e9 plusOrMinus 1e-9)
        speed.copy(bf16Products = 3).shareOfPeak shouldBe (6e9 / 400e9 plusOrMinus 1e-9)
    }

    test("the table and its JSON, which is read again") {
        val cases = listOf(1, 512).flatMap { rows ->
            listOf(DType.F32 to FLOAT32, DType.BF16 to BFLOAT16).map { (type, how) -> LinearCase(MatrixSize(2048, 8192), type, how, rows) }
        } + LinearCase(MatrixSize(768, 768), DType.Q4_0, FLOAT32, 8)
        val speeds = cases.map { speed(it, 1e-10 * it.flops, 1.1e-10 * it.flops, 1.3e-10 * it.flops) }
        val result = KernelResult(settings.copy(options = options(2, ScalarKernels(DType.F32))), speeds)
        Golden.check("kernels/table.txt", printed(width = 100) { printResult(result) })
        Golden.check("kernels/result.json", "${result.toJson()}\n")
        linearSpeeds(result.toJson()) shouldBe speeds
    }

    test("the command measures every type in a process of its own and prints JSON") {
        val options = arrayOf("--matrix", "64x32", "--rows", "2", "--rounds", "1", "--threads", "1")
        val ran = kumiko("kernels", "--dtype", "f32,q4_0", *options, "--json")
        ran.err shouldBe ""
        ran.code shouldBe Exit.GOOD
        linearSpeeds(Json.parseToJsonElement(ran.out).jsonObject).map { it.case.dtype } shouldBe listOf(DType.F32, DType.Q4_0)
    }

    test("the options of a process mean what was asked for") {
        settings.arguments(DType.BF16).joinToString(" ") shouldBe
            "kernels --json --dtype bf16 --matrix 64x96 --rows 1,8 --rounds 3 --threads 2"
    }

    test("what is no size of a matrix is refused") {
        for (text in listOf("2048", "0x8", "2048x", "1x2x3", "99999999x1", "-1x4")) {
            refused("--matrix", text) shouldBe
                "Usage: kumiko kernels [<options>]\n\nError: invalid value for --matrix: \"$text\" is no size of a matrix; " +
                "numbers in and out, both at least 1, are written 2048x8192\n"
        }
    }

    test("more rows than a program computes at once are refused") {
        refused("--rows", "1,513") shouldBe
            "Usage: kumiko kernels [<options>]\n\nError: invalid value for --rows: 513 is not in the valid range of 1 to 512.\n"
    }

    test("rows that blocks do not divide are refused before anything is measured") {
        refused("--matrix", "2048x64,100x64") shouldBe
            "--matrix 100x64 has rows of 100 numbers, but Q8_0 stores blocks of 32. Choose another --matrix, or other types with --dtype.\n"
    }

    test("a matrix that memory has no room for is refused") {
        refused("--matrix", "9999999x9999999", "--dtype", "f32").substringBefore(", but this machine") shouldBe
            "--matrix 9999999x9999999 takes 400.1 TB for copies of the weight and for activations"
    }
})
