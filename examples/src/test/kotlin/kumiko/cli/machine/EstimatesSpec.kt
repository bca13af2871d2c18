package kumiko.cli.machine

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.doubles.plusOrMinus
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import io.kotest.matchers.string.shouldMatch
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.double
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.architectures.Architectures
import kumiko.cli.Exit
import kumiko.cli.grouped
import kumiko.cli.kumiko
import kumiko.cli.report.Report
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.Roofline
import kumiko.runtime.tensor.DType

class EstimatesSpec : FunSpec({
    val llama = Architectures["llama3-8b"]
    val machine = ThisMachine(Roofline(20e9, 200e9), 4, 16_000_000_000)

    test("decoding is as slow as reading all weights and the cache, a prompt as slow as its arithmetic") {
        val rows = Estimates(machine).rows(listOf(Account.of(llama)))
        // 7,504,924,672 weights but for the token table, one row of it, and 1,024 positions of 262,144 bytes, at 20 GB/s
        rows shouldContain listOf("tokens/s, 16 bit", "1.31 by memory")
        rows shouldContain listOf("memory, float32", "${"%.1f".format(java.util.Locale.ROOT, memory(llama, DType.F32))} GB, too much")
        rows shouldContain listOf("memory, Q4_0", "${"%.2f".format(java.util.Locale.ROOT, memory(llama, DType.Q4_0))} GB")
        rows.single { it[0] == "prompt tokens/s, float32" }[1] shouldBe rows.single { it[0] == "prompt tokens/s, Q4_0" }[1]
        rows.single { it[0] == "prompt tokens/s, float32" }[1] shouldMatch """\d\d\.\d by arithmetic"""
    }

    test("a machine says in one line what was measured") {
        "$machine" shouldBe
            "this machine with 4 threads: reads 20.0 GB/s, computes 200.0 GFLOP/s in float32, has 16.0 GB of memory"
    }

    test("compare and show measure the machine they run on") {
        for (command in listOf("compare", "show")) {
            val ran = kumiko(command, "gpt2-124m", "--machine", "--threads", "1", width = 120)
            ran.code shouldBe Exit.GOOD
            ran.err shouldBe ""
            ran.out shouldContain "\nthis machine with 1 thread: reads "
            ran.out shouldContain Regex("""\ntokens/s, 16 bit +[\d.,]+ by (memory|arithmetic)\n""")
        }
    }

    test("programs get what was measured and what follows from it") {
        val json = Json.parseToJsonElement(kumiko("compare", "gpt2-124m", "--machine", "--json").out).jsonObject
        val limits = json.getValue("machine").jsonObject
        val model = json.getValue("models").jsonArray[0].jsonObject.getValue("estimates").jsonObject.getValue("F32").jsonObject
        val account = Account.of(Architectures["gpt2-124m"])
        val bytes = account.weightBytesRead(1, DType.F32) + 1024 * account.cacheBytesPerToken(DType.F32)
        val bandwidth = limits.getValue("readBytesPerSecond").jsonPrimitive.double
        model.getValue("tokensPerSecond").jsonPrimitive.double shouldBe (bandwidth / bytes plusOrMinus 1e-6)
    }

    test("the page has the machine's section only when it was measured") {
        val with = Report(listOf(llama), machine = machine).html()
        with shouldContain "<p class=\"lead\">T${machine.toString().drop(1)}. At best: "
        with shouldContain "1.31 by memory"
        ("On this machine" in Report(listOf(llama)).html()) shouldBe false
    }
})

/** GB for 1,024 positions. */
private fun memory(model: kumiko.dsl.spec.ModelSpec, weights: DType): Double = Account.of(model).memoryBytes(1024, weights, DType.F32) / 1e9
