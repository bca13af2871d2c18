package kumiko.dsl.mapping

import kumiko.dsl.mapping.KeyTemplate.Binding
import kumiko.dsl.mapping.KeyTemplate.Variable
import kumiko.dsl.spec.SpecException
import kumiko.runtime.checkpoint.CheckpointException
import java.nio.file.Path

/** Finds the map that fits a directory: by its files, its configuration and its keys, never by a model's name. */
internal class Recognition(private val directory: Path, private val catalog: Catalog, private val opening: Opening) {
    /** How far a map came: further is likelier to be the right one. */
    private enum class Stage { FILES, CONFIGURATION, CONTENTS, KEYS }

    private class Refusal(val map: CheckpointMap, val stage: Stage, val problems: Int, reason: () -> String) {
        /** Found out where no map fits, and not before. */
        val reason: String by lazy(LazyThreadSafetyMode.NONE, reason)
    }

    private val refusals = ArrayList<Refusal>()

    fun find(): CheckpointModel {
        val present = FileNames.list(directory)
        val fitting = ArrayList<CheckpointModel>()
        try {
            catalog.maps.forEach { map -> attempt(map, present)?.let { fitting += it } }
            if (fitting.size != 1) throw if (fitting.isEmpty()) noneFits() else severalFit(fitting)
        } catch (e: Throwable) {
            fitting.forEach { it.close() }
            throw e
        }
        return fitting.single()
    }

    private fun attempt(map: CheckpointMap, present: Set<String>): CheckpointModel? {
        if (!hasFiles(map, present)) return refuse(map, Stage.FILES) { "there is no ${map.sections.first().file}" }
        val described = try {
            if (opening.contradicts(map)) return refuse(map, Stage.CONFIGURATION) { descriptionProblems(map) }
            opening.describe(map)
        } catch (e: MappingException) {
            return refuse(map, Stage.CONFIGURATION) { e.message.orEmpty() }
        }
        val opened = try {
            opening.through(map, described)
        } catch (e: MappingException) {
            return refuse(map, Stage.CONTENTS) { e.message.orEmpty() }
        } catch (e: SpecException) {
            return refuse(map, Stage.CONTENTS) { e.message.orEmpty() }
        } catch (e: CheckpointException) {
            return refuse(map, Stage.CONTENTS) { e.message.orEmpty() }
        }
        if (opened.account.fits) return opened
        opened.close()
        return refuse(map, Stage.KEYS, opened.account.problems.size) { KeyReport.problems(opened.account) }
    }

    private fun descriptionProblems(map: CheckpointMap): String = try {
        error("map ${map.name} was refused at a glance, but reads the configuration: ${opening.describe(map).spec.name}")
    } catch (e: MappingException) {
        e.message.orEmpty()
    }

    private fun refuse(map: CheckpointMap, stage: Stage, problems: Int = 0, reason: () -> String): CheckpointModel? {
        refusals += Refusal(map, stage, problems, reason)
        return null
    }

    /** Whether a file of every section that needs no layer is there. */
    private fun hasFiles(map: CheckpointMap, present: Set<String>): Boolean {
        val files = map.outline.files
        val first = files.firstOrNull { !it.has(Variable.LAYER) && !it.has(Variable.LAYERS) } ?: files.first()
        return Routes.fileNames(first, Binding(0, 0, 1)).any { it in present || "$it.index.json" in present }
    }

    /** The likeliest maps with all their reasons, the others by name. */
    private fun noneFits(): MappingException {
        val best = refusals.maxOfOrNull { it.stage } ?: Stage.FILES
        val (likely, others) = refusals.partition { it.stage == best && best != Stage.FILES }
        val lines = likely.map { "${it.map.name}: ${it.reason}" } +
            others.map { "${it.map.name}: ${it.reason.lineSequence().first()}" }
        val nearest = likely.filter { best == Stage.KEYS }.minByOrNull { it.problems }?.map
        val text = lines.joinToString("\n") { it.prependIndent("  ") }
        return NoMapFitsException("$directory: none of the ${catalog.maps.size} maps fits\n$text", nearest)
    }

    private fun severalFit(fitting: List<CheckpointModel>) = MappingException(
        "$directory: the maps ${fitting.joinToString(" and ") { it.map.name }} fit equally well; say which one to use",
    )
}
