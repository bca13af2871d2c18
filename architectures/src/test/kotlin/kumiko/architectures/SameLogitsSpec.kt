package kumiko.architectures

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.floats.shouldBeLessThan
import io.kotest.matchers.shouldBe
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.int
import kotlinx.serialization.json.jsonArray
import kotlinx.serialization.json.jsonObject
import kotlinx.serialization.json.jsonPrimitive
import kumiko.dsl.compile.compile
import kumiko.dsl.mapping.CheckpointExport
import kumiko.dsl.mapping.CheckpointMap
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.mapping.KeyTemplate.Variable
import kumiko.dsl.mapping.MappingException
import kumiko.runtime.kernel.KernelProvider
import kumiko.runtime.kernel.Kernels
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.tensor.DType
import kumiko.testing.Golden
import java.lang.foreign.ValueLayout
import java.nio.file.Files
import java.nio.file.Path
import kotlin.io.path.name
import kotlin.io.path.readText
import kotlin.math.abs

/** Every reference set, written in every layout that can hold it. Needs the reference checkpoints; skipped where they are absent. */
class SameLogitsSpec : FunSpec({
    val reference: Path? = System.getProperty("kumiko.reference")?.let(Path::of)?.takeIf(Files::isDirectory)
    val root = tempdir().toPath()

    /** The logits of every position. */
    fun logits(checkpoint: Path, ids: IntArray, kernels: Kernels): List<Float> = CheckpointModel.open(checkpoint, Maps).use { model ->
        model.load().use { weights ->
            val all = ArrayList<Float>()
            Program.compile(model.spec.compile(), weights, Options.of(kernels).withThreads(1)).use { program ->
                // The kernels that define the arithmetic are slow.
                val some = if (kernels === definition) ids.take(FEW).toIntArray() else ids
                program.open(1, some.size).use { session ->
                    session.prefill(0, some) { _, row -> all += row.toArray(ValueLayout.JAVA_FLOAT).toList() }
                }
            }
            all
        }
    }

    fun ids(set: Path): IntArray = Json.parseToJsonElement(set.resolve("input.json").readText()).jsonObject.getValue("sequences")
        .jsonArray.map { all -> all.jsonArray.map { it.jsonPrimitive.int }.toIntArray() }.first()

    /** The checkpoint in another layout; null where that cannot hold it. */
    fun written(set: Path, map: CheckpointMap, shards: Int): Path? = try {
        CheckpointModel.open(set, Maps).use { model ->
            val out = root.resolve("${set.name}-${map.name}-$shards")
            model.load().use { CheckpointExport(map, model.spec, shards).write(out, model, it, Maps) }
            out
        }
    } catch (_: MappingException) {
        null
    }

    fun shards(map: CheckpointMap) = if (map.sections.any { it.file.has(Variable.SHARD) }) listOf(1, 2, 4) else listOf(1)

    /** Where the sums of the fast kernels have another order: over the columns of shards, and along stored columns. */
    fun isAddedUpAlike(a: CheckpointMap, b: CheckpointMap, shards: List<Int>) = shards.all {
        it == 1
    } && a.sections.flatMap { it.rules }.any { it.transpose } == b.sections.flatMap { it.rules }.any { it.transpose }

    class Layout(val map: CheckpointMap, val shards: Int)

    fun compare(a: Layout, expected: Map<Kernels, List<Float>>, b: Layout, folder: Path, ids: IntArray) {
        (logits(folder, ids, definition) == expected.getValue(definition)) shouldBe true
        val (fast, before) = logits(folder, ids, fastest) to expected.getValue(fastest)
        if (isAddedUpAlike(a.map, b.map, listOf(a.shards, b.shards))) (fast == before) shouldBe true
        fast.indices.maxOf { abs(fast[it] - before[it]) } shouldBeLessThan ORDER_OF_SUMS * before.maxOf { abs(it) }
    }

    test("a checkpoint gives the same logits, bit for bit, in every layout that can hold it").config(enabled = reference != null) {
        val sets = Files.list(reference!!).use { it.toList() }.sorted().filter { Files.exists(it.resolve("input.json")) }
        val held = sets.joinToString("") { set ->
            val own = CheckpointModel.open(set, Maps).use { Layout(it.map, it.shards) }
            val ids = ids(set)
            val expected = listOf(definition, fastest).associateWith { logits(set, ids, it) }
            val layouts = Maps.maps.flatMap { map -> shards(map).map { map to it } }.mapNotNull { (map, count) ->
                val name = if (count == 1) map.name else "${map.name} in $count"
                written(set, map, count)?.let { out ->
                    withClue("${set.name} as $name") { compare(own, expected, Layout(map, count), out, ids) }
                    name
                }
            }
            "${set.name.padEnd(20)}${layouts.joinToString(", ")}\n"
        }
        Golden.check("layouts.txt", held)
    }
})

private const val FEW = 6

/** Of the largest logit; float32 has 6e-8. */
private const val ORDER_OF_SUMS = 1e-5f

/** The kernels that define what is computed: they add up in double precision, so that the order makes no difference in float32. */
private val definition = ScalarKernels(DType.F32)
private val fastest = KernelProvider.kernels()
