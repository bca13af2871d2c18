package kumiko.cli.parity

import io.kotest.assertions.withClue
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.matchers.types.shouldBeInstanceOf
import kumiko.architectures.Maps
import kumiko.cli.LoadedModel
import kumiko.cli.Reference
import kumiko.cli.options
import kumiko.dsl.mapping.CheckpointModel
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.GlmResidual
import kumiko.dsl.spec.LayerNorm
import kumiko.dsl.spec.Mlp
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.Norm
import kumiko.dsl.spec.ParallelResidual
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.SequentialResidual
import kumiko.dsl.spec.fixedScale
import kumiko.dsl.spec.replace
import kumiko.dsl.spec.rmsNorm
import kumiko.runtime.graph.Activation
import kumiko.runtime.graph.Frequencies.Rounding
import kumiko.runtime.graph.Pairing

/** Published layouts misunderstood, held against what the original implementations compute. */
class ReferenceDiagnosisSpec : FunSpec({
    fun turned(spec: ModelSpec, change: (PositionCode.Rotary) -> PositionCode) =
        spec.replace<Attention> { it.copy(positions = change(it.positions as PositionCode.Rotary)) }

    class Misunderstood(val set: String, val cause: Cause, val node: String, val spec: (ModelSpec) -> ModelSpec)

    val faults = listOf(
        Misunderstood("gpt2-hf", Cause.ACTIVATION, "blocks.0.ffn.down") { s -> s.replace<Mlp> { it.copy(activation = Activation.GELU) } },
        Misunderstood("gpt2-hf", Cause.NORM_EPSILON, "blocks.0.attention.query") { s -> s.replace<LayerNorm> { it.copy(eps = 1e-6) } },
        Misunderstood("neox-hf", Cause.ROTARY_PAIRING, "blocks.0.attention.query.rotary") { s ->
            turned(s) { it.copy(pairing = Pairing.ADJACENT) }
        },
        Misunderstood("neox-hf", Cause.ACTIVATION, "blocks.0.ffn.down") { s ->
            s.replace<Mlp> { it.copy(activation = Activation.GELU_TANH) }
        },
        Misunderstood("neox-hf", Cause.WIRING, "blocks.0.ffn.down") { s -> s.replace<ParallelResidual> { SequentialResidual(it.paths) } },
        Misunderstood("llama-hf", Cause.NORM_EPSILON, "blocks.0.attention.query.rotary") { s ->
            s.replace<Norm> { rmsNorm(it.dim, eps = 1e-6) }
        },
        Misunderstood("llama-hf", Cause.ROTARY_BASE, "blocks.0.attention.query.rotary") { s -> turned(s) { it.copy(base = 25_000.0) } },
        Misunderstood("llama-meta", Cause.SCALE, "blocks.0.attention.probabilities") { s ->
            s.replace<Attention> { it.copy(scale = fixedScale(1.0)) }
        },
        Misunderstood("llama-meta-2shard", Cause.ROTARY_PAIRING, "blocks.0.attention.query.rotary") { s ->
            turned(s) { it.copy(pairing = Pairing.HALVES) }
        },
        Misunderstood("chatglm-6b", Cause.ALPHA, "blocks.0.ffn.down") { s -> s.replace<GlmResidual> { AlphaOnBranch(it.alpha, it.paths) } },
        Misunderstood("chatglm-6b", Cause.ROTARY_BASE, "blocks.0.attention.query.rotary") { s ->
            s.replace<Attention> { it.copy(positions = (it.positions as PositionCode.Rotary2d).copy(rounding = Rounding.F32)) }
        },
    )

    for (fault in faults) {
        test("${fault.set}, ${fault.cause.label}: the node and the cause").config(enabledOrReasonIf = Reference.present) {
            val folder = Reference.folder(fault.set)
            val spec = CheckpointModel.open(folder, Maps).use { fault.spec(it.spec) }
            val checkpoint = CheckpointModel.open(folder, Maps, CheckpointModel.open(folder, Maps).use { it.map }, spec)
            val report = ReferenceSet.open(folder).use { set ->
                LoadedModel(checkpoint, checkpoint.load()).use { model ->
                    ParityRun(model.forParity(), set, options(1), Tolerances(set, null, 1.0)).run()
                }
            }
            withClue(report.verdict()) {
                val found = report.diagnosis.shouldBeInstanceOf<Diagnosis.Fault>()
                found.explanations.first().cause shouldBe fault.cause
                found.node shouldBe fault.node
            }
        }
    }
})
