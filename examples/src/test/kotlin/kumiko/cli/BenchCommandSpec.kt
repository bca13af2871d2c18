package kumiko.cli

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldHaveSize
import io.kotest.matchers.doubles.shouldBeGreaterThan
import io.kotest.matchers.longs.shouldBeGreaterThan
import io.kotest.matchers.nulls.shouldNotBeNull
import io.kotest.matchers.ranges.shouldBeIn
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldEndWith
import io.kotest.matchers.string.shouldStartWith
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.architectures.Architectures
import kumiko.cli.bench.Bench
import kumiko.cli.bench.BenchResult
import kumiko.cli.bench.BenchSettings
import kumiko.cli.bench.CheckpointSubject
import kumiko.cli.bench.Limits
import kumiko.cli.bench.MadeSubject
import kumiko.cli.bench.MadeWeights
import kumiko.cli.bench.ProcessMemory
import kumiko.cli.bench.Round
import kumiko.cli.bench.Rounds
import kumiko.cli.bench.Warmth
import kumiko.cli.bench.printResult
import kumiko.cli.bench.toJson
import kumiko.dsl.compare.Account
import kumiko.dsl.spec.shrunk
import kumiko.dsl.spec.toJson
import kumiko.runtime.kernel.Arithmetic
import kumiko.runtime.kernel.MachineLimits
import kumiko.runtime.machine.RowParts
import kumiko.runtime.run.Work
import kumiko.runtime.tensor.DType
import kumiko.testing.Golden
import java.lang.foreign.MemorySegment
import java.util.OptionalDouble

private class Fixed(private val machine: MachineLimits) : Limits {
    override val bytes: Long get() = 0

    override fun round(): MachineLimits = machine

    override fun bytesPerSecond(places: List<MemorySegment>): Double = places.sumOf { it.byteSize() }.toDouble()

    override fun close() = Unit
}

class BenchCommandSpec : FunSpec({
    val settings = BenchSettings(prefill = 6, decode = 2, batches = listOf(1, 3), rounds = 2, Warmth(1, 0.0), options(2))
    val machine = MachineLimits(25e9, 200e9, OptionalDouble.of(400e9))
    val small = Architectures["llama3.2-1b"].shrunk(
        2,
        "vocab" to 64,
        "embed" to 64,
        "heads" to 4,
        "kvHeads" to 2,
        "headDim" to 16,
        "hidden" to 96,
    )

    /** Each with a machine that is faster than before. */
    fun rounds(vararg seconds: Double) =
        seconds.mapIndexed { i, s -> Round(MachineLimits(25e9 + 1e9 * i, 200e9, OptionalDouble.of(400e9)), s, 24e9 + 2e9 * i) }

    fun refused(vararg arguments: String): String = kumiko("bench", *arguments).also { it.code shouldBe Exit.BAD_INPUT }.err

    for (name in Architectures.all.keys) {
        test("a small $name is measured with made weights") {
            val result = Bench(settings, { MadeSubject(Architectures[name].tiny(), DType.BF16) }, { Fixed(machine) }).run()
            result.load.open shouldBe null
            result.prefill.tokensPerSecond shouldBeGreaterThan 0.0
            result.decode.map { it.batch to it.tokens } shouldBe listOf(1 to 2, 3 to 6)
            result.decode.forEach { it.rounds shouldHaveSize 2 }
        }
    }

    for (dtype in listOf(DType.F32, DType.F16, DType.Q8_0, DType.Q4_0)) {
        test("made weights of $dtype are read as they are stored") {
            val result = Bench(settings, { MadeSubject(small, dtype) }, { Fixed(machine) }).run()
            result.decode.first().work.weightBytes() shouldBe Account.of(small).weightBytesRead(1, dtype)
        }
    }

    test("a checkpoint is measured from its files") {
        val folder = TinyCheckpoints.llama(tempdir().toPath())
        val result = Bench(settings, { CheckpointSubject(folder) }, { Fixed(machine) }).run()
        result.load.open.shouldNotBeNull() shouldBeGreaterThan 0.0
        result.origin shouldBe "$folder"
        withClue("every linear layer's weights are read; five norms and a row of the embedding, 32 float32 each, are not") {
            val work = result.decode.first().work
            result.weightBytesPerSecond.median.toLong() shouldBe work.weightBytes() - 6 * 32 * 4
        }
    }

    test("work is what the model's account says, of the prompt's head the last row only") {
        val account = Account.of(small)
        val result = Bench(settings, { MadeSubject(small, DType.F32) }, { Fixed(machine) }).run()
        val single = result.decode.first()
        single.work.flops() shouldBe account.flops(1, 8)
        single.work.cacheBytes() shouldBe 9 * account.cacheBytesPerToken(DType.F32)
        result.decode.last().work.flops() shouldBe 3 * account.flops(1, 8)
        result.decode.last().work.weightBytes() - single.work.weightBytes() shouldBe 2 * 4 * 64
        withClue("the head and the last feed-forward of five rows are left out") {
            account.flops(6, 0) - result.prefill.work.flops() shouldBeGreaterThan 5L * 2 * 64 * 64
        }
    }

    test(
        "linear layers with bf16 weights, and of prompts attention and blocks of quantised weights, are counted as bf16, only in its arithmetic",
    ) {
        fun prefill(dtype: DType, arithmetic: Arithmetic, rows: Int = 6): Work =
            Bench(settings.copy(prefill = rows, options = options(2, arithmetic = arithmetic)), { MadeSubject(small, dtype) }, {
                Fixed(machine)
            }).run().prefill.work
        withClue("in float32 tiles take activations apart") {
            prefill(DType.BF16, Arithmetic.FLOAT32).let { it.bf16Flops() shouldBe RowParts.PARTS * (it.flops() - it.f32Flops()) }
        }
        prefill(DType.F32, Arithmetic.BFLOAT16).bf16Flops() shouldBe 0
        prefill(DType.F32, Arithmetic.FLOAT32, 9).bf16Flops() shouldBe 0
        prefill(DType.F32, Arithmetic.BFLOAT16, 9).let { it.flops() / 2 shouldBeGreaterThan it.bf16Flops() }
        prefill(DType.F32, Arithmetic.BFLOAT16, 9).bf16Flops() shouldBeGreaterThan 0
        prefill(DType.Q8_0, Arithmetic.BFLOAT16).bf16Flops() shouldBe 0
        prefill(DType.Q8_0, Arithmetic.BFLOAT16, 9).let { it.bf16Flops() shouldBeGreaterThan it.flops() / 2 }
        val work = prefill(DType.BF16, Arithmetic.BFLOAT16)
        work.bf16Flops() shouldBeGreaterThan work.flops() / 2
        work.flops() shouldBe work.f32Flops() + work.bf16Flops()
    }

    test("the table and its JSON") {
        val speed = BenchResult.Speed(1, 64, 32, Work(2_500_000, 2_500_000, 0, 2_000_000, 500_000), rounds(0.1, 0.11, 0.12), 6400)
        val result = BenchResult(
            "some-model", "random weights of BF16 in memory", "vector kernels", settings.copy(prefill = 512),
            BenchResult.Load(0.05, 0.02, 1.5, Rounds(listOf(0.001, 0.002))),
            BenchResult.Speed(1, 512, 1, Work(1_000_000_000_000, 400_000_000_000, 600_000_000_000, 1, 1), rounds(8.0, 10.0, 11.0), 0),
            listOf(speed, speed.copy(batch = 8, tokens = 256)), 2_500_000_000, 0.925, 100_000_000,
        )
        Golden.check("bench/table.txt", printed(width = 100) { printResult(result) })
        printed(width = 100) { printResult(result.copy(filesInLargePages = 0.402)) } shouldEndWith
            """

            Only 40.2% of the mapped files lies in large pages, as another program has read or written them in small pieces; weights are read
            more slowly so. `dd if=FILE iflag=nocache count=0` for each file lets Linux forget them, so that Kumiko reads them anew.

            """.trimIndent()
        Golden.check("bench/result.json", "${result.toJson()}\n")
    }

    test("how much of mapped files lies in large pages is of what is resident of them, where the system tells") {
        val folder = tempdir()
        val mappings = folder.resolve("smaps_rollup").apply {
            writeText("Rss:  9000 kB\nAnonHugePages:  4096 kB\nFilePmdMapped:  2048 kB\n")
        }
        val status = folder.resolve("status").apply { writeText("VmHWM:\t  9000 kB\nRssAnon:\t  6000 kB\nRssFile:\t  2560 kB\n") }
        val silent = folder.resolve("absent").toPath()
        ProcessMemory.filesInLargePages(mappings.toPath(), status.toPath()) shouldBe 0.8
        ProcessMemory.filesInLargePages(silent, status.toPath()) shouldBe null
        ProcessMemory.filesInLargePages(mappings.toPath(), silent) shouldBe null
        (ProcessMemory.filesInLargePages() ?: 0.0) shouldBeIn 0.0..1.0
    }

    test("the command measures and prints JSON") {
        val folder = tempdir().resolve("tiny.spec.json").apply { writeText(small.toJson()) }
        val ran = kumiko("bench", "$folder", "--prefill", "4", "--decode", "1", "--batch", "1", "--rounds", "1", "--json")
        ran.code shouldBe Exit.GOOD
        val json = Json.parseToJsonElement(ran.out).jsonObject
        json.getValue("decode").jsonArray shouldHaveSize 1
        json.getValue("limits").jsonObject.getValue("f32FlopsPerSecond").jsonPrimitive.double shouldBeGreaterThan 1e8
    }

    test("a prompt and rounds that exceed the learned positions are refused") {
        refused("gpt2-124m", "--prefill", "1000") shouldBe
            "gpt2-124m has 1024 learned positions, but 1000 of --prefill and 5 rounds of 32 of --decode come to 1160. " +
            "Make one of them smaller.\n"
    }

    test("another type, size or depth of weights that are stored is refused") {
        val folder = TinyCheckpoints.llama(tempdir().toPath())
        for (option in listOf(listOf("--dtype", "f32"), listOf("--tiny"), listOf("--depth", "80"))) {
            refused("$folder", *option.toTypedArray()) shouldBe
                "$folder is measured as it is stored; --dtype, --tiny and --depth are for models without weights.\n"
        }
    }

    test("a model of another depth says so") {
        val options = arrayOf("--tiny", "--depth", "3", "--prefill", "4", "--decode", "1", "--batch", "1", "--rounds", "1")
        val ran = kumiko("bench", "llama3-8b", *options)
        ran.code shouldBe Exit.GOOD
        ran.out shouldStartWith "llama3-8b-tiny of 3 layers, random weights of BF16 in memory, "
    }

    test("weights larger than the machine's memory are refused") {
        shouldThrow<Refusal> { MadeWeights(Architectures["gpt-neox-20b"], DType.F32, memory = 24_000_000_000) }.message shouldBe
            "gpt-neox-20b in F32 is 82.2 GB of weights, which are made in memory, but this machine has 24.0 GB, " +
            "of which the measurement and the system need 2.15 GB. Choose a smaller --dtype, or measure a checkpoint, which is read from its files."
    }

    test("rows that blocks do not divide are refused") {
        val spec = small.shrunk(2, "hidden" to 44)
        val file = tempdir().resolve("odd.spec.json").apply { writeText(spec.toJson()) }
        refused("$file", "--dtype", "q8_0") shouldBe
            "llama3.2-1b: blocks.0.ffn.down.weight [embed(64), hidden(44)] has rows of 44 numbers, but Q8_0 stores blocks of 32. " +
            "Choose another --dtype.\n"
    }
})
