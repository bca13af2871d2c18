package kumiko.architectures

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import kumiko.dsl.compile.compile
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.parameterCount
import kumiko.dsl.spec.templates
import kumiko.dsl.spec.toJson
import kumiko.dsl.spec.withLayers
import kumiko.testing.Golden

class GoldenSpec : FunSpec({
    for ((name, spec) in Architectures.all) {
        val title = name.replace('.', ' ')

        test("the spec file of $title is as reviewed, and reads back") {
            Golden.check("$name.spec.json", spec.toJson())
            ModelSpec.fromJson(spec.toJson()) shouldBe spec
        }

        test("the parameters of $title are as reviewed") {
            Golden.check("$name.parameters.txt", table(spec))
        }

        test("the graph of $title is as reviewed, cut after two layers") {
            Golden.check("$name.graph.txt", spec.withLayers(2).compile().toString())
        }
    }
})

/** Every weight with its dims, layers that are alike together, and the count. */
private fun table(spec: ModelSpec): String {
    val rows = spec.templates()
    val width = rows.maxOf { it.name.length } + 3
    val lines = rows.map { row -> "${row.name.padEnd(width)}${row.dims}" + if (row.layers.isEmpty()) "" else "  x ${row.layers.size}" }
    return lines.joinToString("\n", postfix = "\n%,d parameters\n".format(spec.parameterCount()))
}
