package kumiko.dsl

import io.kotest.assertions.fail
import io.kotest.matchers.string.shouldContain
import org.jetbrains.kotlin.cli.common.ExitCode
import org.jetbrains.kotlin.cli.jvm.K2JVMCompiler
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream
import java.nio.file.Files

/** What a program that describes a model needs; the compiler itself is on the tests' class path, and large. */
private val classPath = System.getProperty("java.class.path").split(File.pathSeparator)
    .filter { "kumiko" in it || "kotlin-stdlib" in it || "kotlinx-serialization" in it || it.endsWith("classes") }
    .joinToString(File.pathSeparator)

/** Compiles this text as a Kotlin file; the errors, or null where there are none. */
private fun String.compileErrors(): String? {
    System.setProperty("kotlin.environment.keepalive", "true")
    val folder = Files.createTempDirectory("snippet").toFile()
    try {
        val source = folder.resolve("Snippet.kt").apply { writeText(trimIndent()) }
        val output = ByteArrayOutputStream()
        val arguments = arrayOf("-no-stdlib", "-jvm-target", "25", "-classpath", classPath, "-d", folder.path, source.path)
        val exit = K2JVMCompiler().exec(PrintStream(output), *arguments)
        return if (exit == ExitCode.OK) null else output.toString().lines().filter { "error:" in it }.joinToString("\n")
    } finally {
        folder.deleteRecursively()
    }
}

fun String.shouldCompile() {
    compileErrors()?.let { fail("this should compile:\n$it") }
}

fun String.shouldNotCompile(message: String) {
    val errors = compileErrors() ?: fail("this should not compile:\n$this")
    errors shouldContain message
}
