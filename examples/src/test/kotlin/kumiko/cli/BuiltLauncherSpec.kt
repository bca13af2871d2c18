package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import io.kotest.matchers.string.shouldContain
import kumiko.runtime.machine.MachineCode
import java.io.File

/**
 * The launcher with the program and the Java that were just packaged; runs behind the package phase. Only Maven is pretended: in a
 * checkout of its own it hands over what lies here, for a build inside the build would delete what runs.
 */
class BuiltLauncherSpec : FunSpec({
    val checkout = tempdir()
    val packaged = File("target").absoluteFile
    val launcher = File("kumiko").copyTo(checkout.resolve("examples/kumiko")).apply { setExecutable(true) }
    checkout.resolve("pom.xml").writeText("")
    checkout.resolve("bin/mvn").apply { parentFile.mkdirs() }.apply {
        writeText(
            "#!/bin/sh\nmkdir -p examples/target && cp -R '$packaged/lib' '$packaged/java.home' '$packaged/'kumiko-examples-*.jar examples/target\n",
        )
        setExecutable(true)
    }

    fun launch(vararg arguments: String, javaArguments: String = ""): Ran {
        val errors = checkout.resolve("errors")
        val process = ProcessBuilder(listOf(launcher.path) + arguments).redirectError(errors).apply {
            environment()["PATH"] = "${checkout.resolve("bin")}:${System.getenv("PATH")}"
            environment()["KUMIKO_JAVA_ARGS"] = javaArguments
        }.start()
        process.outputStream.close()
        val out = process.inputReader().readText()
        return Ran(process.waitFor(), out, errors.readText())
    }

    test("the first command builds and prints what the program prints") {
        launch("list") shouldBe Ran(Exit.GOOD, kumiko("list", width = PIPE_WIDTH).out, "kumiko: building\n")
    }

    test("once built it says nothing else") {
        launch("compare", "gpt2-124m", "llama3-8b") shouldBe kumiko("compare", "gpt2-124m", "llama3-8b", width = PIPE_WIDTH)
    }

    test("it starts from caches of classes, which the JVM takes") {
        val app = checkout.resolve("examples/target/app")
        app.list()!!.filter {
            it.endsWith(".jsa") || it.endsWith(".aot")
        }.sorted() shouldBe listOf("classes.jsa", "generate.aot", "quick.aot")
        launch("list", javaArguments = "-XX:AOTMode=on") shouldBe kumiko("list", width = PIPE_WIDTH)
        launch(
            "parity",
            "nowhere",
            "nowhere",
            javaArguments = "-Xshare:on",
        ) shouldBe kumiko("parity", "nowhere", "nowhere", width = PIPE_WIDTH)
    }

    test("a setting of Java that means nothing is refused in one line") {
        launch("bench", "llama3-8b", "--tiny", javaArguments = "-Dkumiko.machine=amx") shouldBe
            Ran(Exit.BAD_INPUT, "", "-Dkumiko.machine=amx: choose avx512, avx2 or off, or leave it away for all that the processor has\n")
    }

    test("a refusal and its exit code come through") {
        launch("show", "gpt2-124") shouldBe kumiko("show", "gpt2-124")
    }

    test("weights are written and run") {
        val folder = checkout.resolve("tiny").path
        launch("init", "gpt2-124m", "--tiny", "--map", "gpt2-hf", "--seed", "1", "--out", folder).code shouldBe Exit.GOOD
        launch("generate", folder, "--ids", "1,2,3", "--tokens", "3") shouldBe kumiko("generate", folder, "--ids", "1,2,3", "--tokens", "3")
    }

    test("what opens and runs a checkpoint comes from the cache, and by machine code without the Vector API") {
        val machineCode = MachineCode.ofProcess().floats().orNull() != null
        val log = checkout.resolve("loaded")
        launch(
            "generate",
            checkout.resolve("tiny").path,
            "--ids",
            "1,2,3",
            javaArguments = "-Xlog:class+load:file=$log",
        ).code shouldBe Exit.GOOD
        val read = log.readLines().filter { " kumiko." in it && "source: file:" in it }
        read.map { it.substringAfter("] ").substringBefore(' ') } shouldBe emptyList()
        log.readLines().any { "jdk.incubator.vector" in it } shouldBe !machineCode
    }

    test("the second compiler is left out where it wins nothing: of quick commands, and of those who write tokens by machine code") {
        val machineCode = MachineCode.ofProcess().floats().orNull() != null

        fun last(vararg arguments: String, java: String = ""): Int {
            val flags = launch(*arguments, javaArguments = "-XX:+PrintFlagsFinal $java").out
            return Regex("TieredStopAtLevel += (\\d) ").find(flags)!!.groupValues[1].toInt()
        }
        val generate = arrayOf("generate", checkout.resolve("tiny").path, "--ids", "1,2,3", "--tokens", "1")
        last("list") shouldBe 1
        last(*generate) shouldBe if (machineCode) 1 else 4
        last(*generate, "--quantize", "q8_0") shouldBe 4
        last(*generate, "--top-p", "0.9") shouldBe 4
        last(*generate, java = "-Dkumiko.machine=off") shouldBe 4
        last("perplexity", checkout.resolve("tiny").path, "--ids", "1,2,3") shouldBe 4
    }

    test("the Java heap is 256 MB at most") {
        launch("list", javaArguments = "-XX:+PrintFlagsFinal").out shouldContain Regex("MaxHeapSize += ${256L shl 20} ")
    }
})
