package kumiko.dsl

import io.kotest.core.spec.style.FunSpec
import java.io.File

/** Kotlin in the READMEs compiles. */
class ReadmeSpec : FunSpec({
    val vocabulary = """
        import kumiko.dsl.*
        import kumiko.dsl.spec.*
        import kumiko.runtime.graph.Activation.*
        import kumiko.runtime.graph.Pairing.*
    """.trimIndent()

    for (file in listOf("../README.md", "README.md")) {
        Regex("(?s)```kotlin\n(.*?)```").findAll(File(file).readText()).forEachIndexed { index, block ->
            test("block ${index + 1} of ${File(file).canonicalFile.relativeTo(File("..").canonicalFile)} compiles".replace(".md", "")) {
                "$vocabulary\n${block.groupValues[1]}".shouldCompile()
            }
        }
    }
})
