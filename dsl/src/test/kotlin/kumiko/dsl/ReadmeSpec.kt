package kumiko.dsl

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.collections.shouldBeEmpty
import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.descriptors.elementNames
import kumiko.dsl.mapping.ConfigKeyFile
import kumiko.dsl.mapping.ConfigSection
import kumiko.dsl.mapping.MapFile
import kumiko.dsl.mapping.Merge
import kumiko.dsl.mapping.RuleFile
import kumiko.dsl.mapping.SectionFile
import kumiko.dsl.mapping.Split
import java.io.File

/** Kotlin in the READMEs compiles, and what they explain is whole. */
@OptIn(ExperimentalSerializationApi::class)
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

    test("the chapter on maps names every field and word of the language") {
        val chapter = File("README.md").readText().substringAfter("## Maps")
        val forms = listOf(MapFile.serializer(), SectionFile.serializer(), RuleFile.serializer()).map { it.descriptor } +
            listOf(ConfigSection.serializer(), ConfigKeyFile.serializer()).map { it.descriptor }
        val fields = forms.flatMap { it.elementNames }.filter { "`\"$it\"`" !in chapter }
        val words = (Merge.entries.map { it.word } + Split.entries.map { it.word } + "halves-to-adjacent").filter { "`$it`" !in chapter }
        (fields + words).shouldBeEmpty()
    }
})
