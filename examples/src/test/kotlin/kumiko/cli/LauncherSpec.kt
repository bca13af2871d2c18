package kumiko.cli

import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.shouldBe
import java.io.File
import java.nio.file.Files
import java.util.concurrent.TimeUnit

/** The launcher's own work, with a pretended Maven and Java so that every case takes milliseconds. */
class LauncherSpec : FunSpec({
    fun checkout(): Checkout = Checkout(tempdir())

    test("the first run builds and the second does not") {
        val checkout = checkout()
        checkout.run("list").out shouldBe "ran list\n"
        checkout.run("list").out shouldBe "ran list\n"
        checkout.builds shouldBe 1
    }

    test("a changed source, pom or resource is built") {
        val checkout = checkout()
        checkout.run("list")
        for (file in listOf("runtime/src/main/java/A.java", "pom.xml", "dsl/pom.xml", "dsl/src/main/resources/a.json", "examples/kumiko")) {
            val before = checkout.builds
            checkout.root.resolve(file).appendText("\n")
            checkout.run("list")
            checkout.builds shouldBe before + 1
        }
    }

    test("a source replaced by an older file of the same size is built") {
        val checkout = checkout()
        checkout.run("list")
        checkout.root.resolve("runtime/src/main/java/A.java").setLastModified(1_000_000_000_000)
        checkout.run("list")
        checkout.builds shouldBe 2
    }

    test("a deleted source is built without") {
        val checkout = checkout()
        checkout.run("list")
        val left = checkout.root.resolve("runtime/target/classes/A.class").apply { parentFile.mkdirs() }.apply { writeText("") }
        Files.delete(checkout.root.resolve("runtime/src/main/java/A.java").toPath())
        checkout.run("list")
        checkout.builds shouldBe 2
        left.exists() shouldBe false
    }

    test("a removed JDK leads to a new build") {
        val checkout = checkout()
        checkout.run("list")
        checkout.root.resolve("examples/target/app/java.home").writeText("/nowhere")
        checkout.run("list").out shouldBe "ran list\n"
        checkout.builds shouldBe 2
    }

    test("a test source is not the program's") {
        val checkout = checkout()
        checkout.run("list")
        checkout.root.resolve("runtime/src/test/java").mkdirs()
        checkout.root.resolve("runtime/src/test/java/ATest.java").writeText("")
        checkout.run("list")
        checkout.builds shouldBe 1
    }

    test("a failed build shows what Maven said, exits with 2 and is tried again") {
        val checkout = checkout()
        val failed = checkout.run("list", environment = mapOf("FAKE_BUILD" to "1"))
        failed.code shouldBe 2
        failed.err shouldBe "kumiko: building\nmvn was here\nkumiko: the build failed, see above\n"
        checkout.run("list").out shouldBe "ran list\n"
    }

    test("without Maven it says what to install") {
        val checkout = checkout()
        val result = checkout.run("list", environment = mapOf("PATH" to checkout.pathWithoutMaven()))
        result.code shouldBe 2
        result.err shouldBe "kumiko: Maven builds it before the first run; install Maven 3.8.7 or newer\n"
    }

    test("exit codes, arguments and both outputs pass through") {
        val checkout = checkout()
        checkout.run("list")
        val result = checkout.run("parity", "a b", "", environment = mapOf("FAKE_EXIT" to "1"))
        result shouldBe Result(1, "ran parity a b \n", "said on standard error\n")
    }

    test("standard error in a file is whole when the command has ended") {
        val checkout = checkout()
        checkout.run("list")
        val result = checkout.run("check", environment = mapOf("FAKE_EXIT" to "2"), errorFile = checkout.root.resolve("errors"))
        result shouldBe Result(2, "ran check\n", "said on standard error\n")
    }

    test("it works from another directory and through a symbolic link") {
        val checkout = checkout()
        val link = Files.createSymbolicLink(tempdir().resolve("k").toPath(), checkout.launcher.toPath())
        checkout.run("list", command = link.toString(), directory = File("/")).out shouldBe "ran list\n"
    }

    test("of two first runs at once one builds and the other waits") {
        val checkout = checkout()
        val gate = checkout.gate()
        val environment = mapOf("FAKE_GATE" to gate.path)
        val first = checkout.start(listOf("list"), environment)
        first.waitUntil { checkout.builds == 1 }
        val second = checkout.start(listOf("show"), environment)
        first.waitUntil { checkout.builds == 2 || second.descendants().anyMatch { it.info().command().orElse("").endsWith("flock") } }
        repeat(checkout.builds) { gate.writeText("go\n") }
        first.inputReader().readText() shouldBe "ran list\n"
        second.inputReader().readText() shouldBe "ran show\n"
        checkout.builds shouldBe 1
    }

    test("a quick command is the launcher's own process") {
        val checkout = checkout()
        checkout.run("list")
        val launched = checkout.start(listOf("list"), mapOf("FAKE_HANG" to checkout.gate().path))
        launched.waitUntil { "-jar" in launched.info().arguments().orElse(arrayOf()) }
        launched.destroy()
        launched.waitFor() shouldBe 143
    }

    test("ending the launcher ends the program") {
        val checkout = checkout()
        checkout.run("list")
        val launched = checkout.start(listOf("parity"), mapOf("FAKE_HANG" to checkout.gate().path))
        fun program() = launched.children().filter { "-jar" in it.info().arguments().orElse(arrayOf()) }.findFirst()
        launched.waitUntil { program().isPresent }
        val program = program().get()
        launched.destroy()
        launched.waitFor() shouldBe 143
        program.isAlive shouldBe false
    }

    test("the program is told that a pipe is no terminal") {
        val checkout = checkout()
        checkout.run("list")
        checkout.run("list", environment = mapOf("FAKE_TELL" to "1")).out shouldBe "standard output is plain\nran list\n"
    }

    test("standard input reaches the program") {
        val checkout = checkout()
        checkout.run("list")
        val process = checkout.start(listOf("list"), mapOf("FAKE_HANG" to "/dev/stdin"))
        process.outputWriter().use { it.write("hello\n") }
        process.inputReader().readText() shouldBe "read hello\nran list\n"
    }

    test("the announcement of the incubator module is dropped and nothing else") {
        val checkout = checkout()
        checkout.run("list")
        val result = checkout.run("parity", environment = mapOf("FAKE_FIRST_LINE" to "Error: could not create the JVM"))
        result.err shouldBe "Error: could not create the JVM\nsaid on standard error\n"
        checkout.run("parity").err shouldBe "said on standard error\n"
    }
})

/** What one run left behind. */
private data class Result(val code: Int, val out: String, val err: String)

private fun Process.waitUntil(condition: () -> Boolean) {
    val deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(60)
    while (!condition()) {
        check(System.nanoTime() < deadline) { "waited a minute in vain" }
        waitFor(10, TimeUnit.MILLISECONDS)
    }
}

/** A small repository with the real launcher, in which Maven and Java are two scripts. */
private class Checkout(val root: File) {
    val launcher = root.resolve("examples/kumiko")
    private val log = root.resolve("builds")
    private val bin = root.resolve("bin")

    val builds: Int get() = if (log.exists()) log.readLines().size else 0

    init {
        for (file in listOf(
            "pom.xml",
            "dsl/pom.xml",
            "examples/pom.xml",
            "runtime/src/main/java/A.java",
            "dsl/src/main/resources/a.json",
        )) {
            root.resolve(file).apply { parentFile.mkdirs() }.writeText("$file\n")
        }
        File("kumiko").copyTo(launcher).setExecutable(true)
        script(
            bin.resolve("mvn"),
            """
            echo build >>'$log'
            [ -z "${'$'}{FAKE_GATE:-}" ] || read -r _ <"${'$'}FAKE_GATE"
            [ -z "${'$'}{FAKE_BUILD:-}" ] || { echo "mvn was here"; exit 1; }
            mkdir -p examples/target/lib
            touch examples/target/lib/a.jar examples/target/kumiko-examples-1.jar
            printf '%s' '${root.resolve("jdk")}' >examples/target/java.home
            """,
        )
        script(
            root.resolve("jdk/bin/java"),
            """
            case "${'$'}*" in *-Xshare:dump*|*Rehearsal*) exit 0 ;; esac
            case "${'$'}*" in
              *--add-modules*) echo "${'$'}{FAKE_FIRST_LINE:-WARNING: Using incubator modules: jdk.incubator.vector}" >&2 ;;
            esac
            while [ "${'$'}1" != -jar ]; do shift; done
            shift 2
            [ -z "${'$'}{FAKE_HANG:-}" ] || { read -r line <"${'$'}FAKE_HANG"; echo "read ${'$'}line"; }
            [ -z "${'$'}{FAKE_TELL:-}" ] || echo "standard output is ${'$'}KUMIKO_STDOUT"
            echo "ran ${'$'}*"
            echo "said on standard error" >&2
            exit "${'$'}{FAKE_EXIT:-0}"
            """,
        )
    }

    fun start(
        arguments: List<String>,
        environment: Map<String, String> = mapOf(),
        command: String = launcher.path,
        directory: File = root,
        errorFile: File? = null,
    ): Process = ProcessBuilder(listOf(command) + arguments).directory(directory).apply {
        environment()["PATH"] = "$bin:${System.getenv("PATH")}"
        environment() += environment
        errorFile?.let { redirectError(it) }
    }.start()

    fun run(
        vararg arguments: String,
        environment: Map<String, String> = mapOf(),
        command: String = launcher.path,
        directory: File = root,
        errorFile: File? = null,
    ): Result {
        val process = start(arguments.toList(), environment, command, directory, errorFile)
        val out = process.inputReader().readText()
        val err = process.errorReader().readText()
        val code = process.waitFor()
        return Result(code, out, errorFile?.readText() ?: err)
    }

    /** A named pipe: who reads it stops until a line is written. */
    fun gate(): File = root.resolve("gate").also { ProcessBuilder("mkfifo", it.path).start().waitFor() shouldBe 0 }

    /** A search path with the tools the launcher uses, linked one by one. */
    fun pathWithoutMaven(): String {
        val tools = root.resolve("tools").apply { mkdirs() }
        for (tool in listOf("bash", "env", "readlink", "find", "sort", "cat", "flock")) {
            val found = System.getenv("PATH").split(":").map { File(it, tool) }.first { it.canExecute() }
            Files.createSymbolicLink(tools.resolve(tool).toPath(), found.toPath())
        }
        return tools.path
    }

    private fun script(file: File, body: String) {
        file.parentFile.mkdirs()
        file.writeText("#!/usr/bin/env bash\n" + body.trimIndent() + "\n")
        file.setExecutable(true)
    }
}
