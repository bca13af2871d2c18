package kumiko.cli

import kumiko.architectures.Architectures
import kumiko.architectures.Maps
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.SpecException
import java.nio.file.Files
import java.nio.file.Path

/** What a MODEL argument may be, for help pages. */
internal const val MODEL_HELP = "a built-in name, a .spec.json file or a checkpoint directory"

/** The spec that a MODEL argument means: a built-in name, a `.spec.json` file, or a checkpoint directory. */
internal fun resolveModel(argument: String): ModelSpec {
    val path = Path.of(argument)
    return when {
        argument.endsWith(SPEC_SUFFIX) -> readSpec(path)
        Files.isDirectory(path) -> CheckpointModel.open(path, Maps).use { it.spec }
        Files.isRegularFile(path) -> refuse("$argument: a model is described by a file whose name ends in $SPEC_SUFFIX")
        else -> Architectures[argument]
    }
}

private fun readSpec(path: Path): ModelSpec = try {
    ModelSpec.fromJson(Files.readString(path))
} catch (e: SpecException) {
    refuse("$path: ${e.message}")
} catch (_: java.nio.charset.MalformedInputException) {
    refuse("$path: is no text in UTF-8")
}

private const val SPEC_SUFFIX = ".spec.json"
