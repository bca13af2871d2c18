package kumiko.cli.parity

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.engine.spec.tempdir
import io.kotest.matchers.collections.shouldContain
import io.kotest.matchers.nulls.shouldBeNull
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kumiko.cli.LoadedModel
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.Bias
import kumiko.dsl.spec.GlmResidual
import kumiko.dsl.spec.LayerExpr
import kumiko.dsl.spec.Lowering
import kumiko.dsl.spec.Mlp
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.Norm
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.Path
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.TiedToTokens
import kumiko.dsl.spec.Topology
import kumiko.dsl.spec.fixedScale
import kumiko.dsl.spec.linear
import kumiko.dsl.spec.replace
import kumiko.dsl.spec.rmsNorm
import kumiko.dsl.spec.withDims
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Pairing
import kumiko.runtime.tensor.Dense
import kumiko.runtime.tensor.Elements
import kumiko.runtime.tensor.Matrix
import kumiko.runtime.tensor.Shape
import kumiko.runtime.tensor.Tensor
import java.lang.foreign.Arena

/** Every fault that implementations of one architecture commonly differ by, put in on purpose. */
class DiagnosisSpec : FunSpec({
    val root = tempdir().toPath()
    val gpt2 = FaultyModels("gpt2-124m", "gpt2-hf", root.resolve("gpt2").also { it.toFile().mkdir() })
    val llama = FaultyModels("llama3-8b", "llama-hf", root.resolve("llama").also { it.toFile().mkdir() }) {
        it.withDims("kvHeads" to 2)
    }
    val neox = FaultyModels("gpt-neox-20b", "neox-hf", root.resolve("neox").also { it.toFile().mkdir() })
    val glm = FaultyModels("chatglm-6b", "chatglm-6b", root.resolve("glm").also { it.toFile().mkdir() })
    val sharded = FaultyModels("gpt-neox-20b", "neox-20b-shards", root.resolve("sharded").also { it.toFile().mkdir() }, shards = 2)

    fun turned(spec: ModelSpec, change: (PositionCode.Rotary) -> PositionCode) =
        spec.replace<Attention> { it.copy(positions = change(it.positions as PositionCode.Rotary)) }

    /** A fault, in what is compared or in what it is compared with, and what must be found. */
    class Fault(
        val name: String,
        val models: FaultyModels,
        val cause: Cause,
        /** The first node that is wrong, with every node in the reference and with those of forward hooks. */
        val all: String,
        val hooks: String,
        val open: () -> LoadedModel,
        val reference: (Kept) -> java.nio.file.Path = { kept -> models.open().use { models.reference(it, kept) } },
    )

    val untied = gpt2.spec.replace<TiedToTokens> { linear(gpt2.spec.tokens!!.embed, gpt2.spec.tokens!!.vocab) }

    // Knows the key of a head, but not that it may be tied.
    val blind = gpt2.map(
        ", \"tie\": \"embedding.tokens.weight\", \"optional\": true" to "",
        "\"ignore\": { \"h.{i}" to "\"ignore\": { \"lm_head.weight\": \"unknown\", \"h.{i}",
    )

    // Every shard has the whole bias; the rule of the map adds them up.
    val repeated = sharded.map("attention.out.bias\",              \"merge\": \"sum\"" to "attention.out.bias\", \"merge\": \"duplicate\"")

    val faults = listOf(
        Fault("rotary pairing", neox, Cause.ROTARY_PAIRING, "blocks.0.attention.query.rotary", "blocks.0.attention.query.rotary", {
            neox.open(spec = turned(neox.spec) { it.copy(pairing = Pairing.ADJACENT) })
        }),
        Fault("rotary rows in another order", llama, Cause.ROTARY_PAIRING, "blocks.0.attention.query", "blocks.0.attention.query", {
            llama.open(map = llama.map(", \"rope\": \"halves-to-adjacent\"" to ""))
        }),
        Fault("layout of query, key and value", neox, Cause.QKV_LAYOUT, "blocks.0.attention.query", "blocks.0.attention.query", {
            neox.open(map = neox.map("per-head\"" to "thirds\""))
        }),
        Fault("GELU kind", gpt2, Cause.ACTIVATION, "blocks.0.ffn.activated", "blocks.0.ffn.down", {
            gpt2.open(spec = gpt2.spec.replace<Mlp> { it.copy(activation = Activation.GELU) })
        }),
        Fault("norm epsilon", llama, Cause.NORM_EPSILON, "blocks.0.attention.norm", "blocks.0.attention.query", {
            llama.open(spec = llama.spec.replace<Norm> { rmsNorm(it.dim, eps = 1e-6) })
        }),
        Fault("missing bias", neox, Cause.BIAS, "blocks.0.attention.query", "blocks.0.attention.query", {
            val ignored = "\"ignore\": { " to "\"ignore\": { \"gpt_neox.layers.{i}.attention.{query_key_value,dense}.bias\": \"unknown\", "
            neox.open(spec = neox.spec.replace<Attention> { it.copy(bias = Bias.NOWHERE) }, map = neox.map(ignored))
        }),
        Fault("bias that the files lack", gpt2, Cause.BIAS, "blocks.0.ffn.down", "blocks.0.ffn.down", {
            gpt2.open(
                gpt2.write("no-bias") { target, m, arena -> if (target.name.endsWith("ffn.down.bias")) zeros(m, arena) else m },
            )
        }),
        Fault("a head of its own where it is tied", gpt2, Cause.TIED_HEAD, "logits", "logits", {
            gpt2.open(gpt2.write("own-head", spec = untied), untied)
        }),
        Fault("a tied head where it is its own", gpt2, Cause.TIED_HEAD, "logits", "logits", {
            gpt2.open(gpt2.write("own-head", spec = untied), map = blind)
        }, { kept -> gpt2.open(gpt2.write("own-head", spec = untied), untied).use { gpt2.reference(it, kept) } }),
        Fault("mask off by one", llama, Cause.MASK, "blocks.0.attention.probabilities", "blocks.0.attention.probabilities", {
            llama.open()
        }, { kept ->
            llama.open().use { model ->
                val softmaxes = model.graph.nodes().filter { it.op() is Op.Softmax }
                llama.reference(model, kept, MaskShift.KEY_AFTER.edit(softmaxes))
            }
        }),
        Fault("alpha on the wrong operand", glm, Cause.ALPHA, "blocks.0.attention.residual", "blocks.0.ffn.down", {
            glm.open(spec = glm.spec.replace<GlmResidual> { AlphaOnBranch(it.alpha, it.paths) })
        }),
        Fault("scale of the scores", llama, Cause.SCALE, "blocks.0.attention.scores", "blocks.0.attention.probabilities", {
            llama.open(spec = llama.spec.replace<Attention> { it.copy(scale = fixedScale(1.0)) })
        }),
        Fault("order of the heads", llama, Cause.HEAD_ORDER, "blocks.0.attention.query", "blocks.0.attention.query", {
            llama.open(
                llama.write("heads") { target, matrix, _ ->
                    val order = if (target.name.endsWith("query.weight")) listOf(0, 2, 1, 3) else return@write matrix
                    Matrix.stackRows(order.map { matrix.rows(it * HEAD, HEAD, 1) })
                },
            )
        }),
        Fault("rotary base", llama, Cause.ROTARY_BASE, "angles", "blocks.0.attention.query.rotary", {
            llama.open(spec = turned(llama.spec) { it.copy(base = 10_000.0) })
        }),
        Fault("shards joined along the wrong axis", neox, Cause.SHARDS, "blocks.0.attention.out", "blocks.0.attention.out", {
            neox.open(
                neox.write("axis") { target, matrix, arena ->
                    if (target.name.endsWith("attention.out.weight")) joinedWrongly(matrix, 2, arena) else matrix
                },
            )
        }),
        Fault("shards merged by the wrong rule", sharded, Cause.SHARDS, "blocks.0.attention.out", "blocks.0.attention.out", {
            sharded.open(sharded.write("repeated", repeated))
        }, { kept -> sharded.open(sharded.write("repeated", repeated), map = repeated).use { sharded.reference(it, kept) } }),
        Fault("residual wiring", neox, Cause.WIRING, "blocks.0.ffn.norm", "blocks.0.ffn.down", {
            neox.open(spec = neox.spec.replace<ParallelResidual> { SequentialResidual(it.paths) })
        }),
    )

    for (fault in faults) {
        for (kept in Kept.entries) {
            test("${fault.name}, with ${kept.name.lowercase()} nodes to compare, is found at its node and called so") {
                val reference = fault.reference(kept)
                val report = fault.open().use { fault.models.compare(it, reference) }
                withClue(report.verdict()) {
                    val found = report.diagnosis.shouldBeInstanceOf<Diagnosis.Fault>()
                    found.explanations.first().cause shouldBe fault.cause
                    found.node shouldBe if (kept == Kept.ALL) fault.all else fault.hooks
                }
            }
        }
    }

    test("a rule that reorders the rows of a bias as it does those of its weight is loaded and run") {
        val biased = FaultyModels("llama3-8b", "llama-hf", root.resolve("llama")) { spec ->
            spec.replace<Attention> { it.copy(bias = Bias.EVERYWHERE) }
        }
        val own = biased.open(biased.write("biased"))
        own.use { biased.compare(it, biased.reference(it, Kept.ALL)).good shouldBe true }
    }

    for (models in listOf(gpt2, llama, neox, glm, sharded)) {
        test("${models.spec.name} without a fault has no diagnosis, and with a tolerance below rounding it has no fault") {
            models.open().use { model ->
                val reference = models.reference(model, Kept.HOOKS) { _, x -> x * (1 + PERTURBATION) }
                models.compare(model, reference).diagnosis.shouldBeNull()
                models.compare(model, reference, atol = 1e-9).diagnosis.shouldBeInstanceOf<Diagnosis.Rounding>()
            }
        }
    }

    test("a reference that is off by a random share of a millionth is called rounding") {
        val random = kotlin.random.Random(3)
        llama.open().use { model ->
            val reference = llama.reference(model, Kept.ALL) { _, x -> x * (1 + random.nextDouble(-1e-6, 1e-6)) }
            val report = llama.compare(model, reference, atol = 1e-7)
            withClue(report.verdict()) { report.diagnosis.shouldBeInstanceOf<Diagnosis.Rounding>() }
        }
    }

    for (kept in Kept.entries) {
        test("a weight that is another number is found, with ${kept.name.lowercase()} nodes, and no cause is made up for it") {
            val reference = llama.open().use { llama.reference(it, kept) }
            val spoilt = llama.write("weight") { target, matrix, arena ->
                if (target.name != "blocks.1.ffn.up.weight") return@write matrix
                Dense.copy(matrix, arena).also { Elements.set(it.dtype(), it.slabs().single().data(), 77, 1.5) }
            }
            val report = llama.open(spoilt).use { llama.compare(it, reference) }
            val found = report.diagnosis.shouldBeInstanceOf<Diagnosis.Fault>()
            withClue(report.verdict()) {
                found.explanations shouldBe emptyList()
                found.node shouldBe if (kept == Kept.ALL) "blocks.1.ffn.up" else "blocks.1.ffn.down"
                found.inputs shouldContain "blocks.1.ffn.up.weight"
            }
        }
    }
})

/** x = n + alpha * f(n): what GLM's residual is not. */
internal data class AlphaOnBranch(val alpha: LayerExpr, override val paths: List<Path>) : Topology {
    override fun withPaths(paths: List<Path>) = copy(paths = paths)

    override fun lower(x: Node, at: Lowering): Node = at.stream(paths, x) { path, name, stream ->
        val steps = at.steps(path)
        val normed = steps.first()(stream)
        at.graph.add(name, at.value(alpha), steps.drop(1).fold(normed) { rows, step -> step(rows) }, normed)
    }
}

/** Rows of a head of the tiny models. */
private const val HEAD = 16

private const val PERTURBATION = 1e-7

private fun zeros(like: Matrix, arena: Arena): Matrix = Dense.copy(like, arena).also { it.slabs().single().data().fill(0) }

/** The column parts of shards stacked, and their memory read as the whole. */
private fun joinedWrongly(whole: Matrix, shards: Int, arena: Arena): Matrix {
    val width = whole.columns() / shards
    val stacked = Dense.copy(Matrix.stackRows((0..<shards).map { whole.columns(it * width, width) }), arena)
    return Matrix.of(Tensor(whole.dtype(), Shape.of(whole.rows().toLong(), whole.columns().toLong()), stacked.slabs().single().data()))
}
