package kumiko.runtime.graph

import io.kotest.assertions.throwables.shouldThrow
import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import io.kotest.property.checkAll
import kumiko.runtime.run.models

private fun node(id: Int, name: String, op: Op, type: Type, vararg inputs: Node) = Node(id, name, op, inputs.toList(), type)

private val tokens = node(0, "tokens", Op.Input(Source.Tokens()), Type.of(Type.Extent.SEQ))
private val table = node(1, "table", Op.Parameter(), Type.fixed(10, 4))
private val x = node(2, "x", Op.Embedding(), Type.rows(4), table, tokens)

private fun problems(vararg nodes: Node) =
    GraphVerifier.problems(Graph("small", listOf(tokens, table, x, *nodes), nodes.last(), Positions.Sequential()))

class GraphVerifierSpec : FunSpec({
    test("what the builder writes is sound, before and after every pass") {
        checkAll(100, models) { model ->
            GraphVerifier.problems(model.graph) shouldBe emptyList()
            var graph = model.graph
            for (pass in Pass.entries) {
                graph = pass.apply(graph) { false }
                GraphVerifier.problems(graph) shouldBe emptyList()
            }
        }
    }

    test("an input that comes later is named") {
        val late = node(4, "late", Op.Scale(2.0), Type.rows(4), x)
        problems(node(3, "early", Op.Scale(2.0), Type.rows(4), late), late) shouldBe
            listOf("node early uses late, which does not stand before it")
    }

    test("a name written twice is named") {
        problems(node(3, "x", Op.Scale(2.0), Type.rows(4), x)) shouldBe
            listOf("node x is written twice: as Embedding[] and as Scale[factor=2.0]")
    }

    test("every misfit is one sentence and all are told at once") {
        val weight = node(3, "weight", Op.Parameter(), Type.fixed(7, 5))
        val causal = node(4, "causal", Op.Input(Source.Visible(Mask.Causal())), Type.of(Type.Extent.SEQ, Type.Extent.Size(2)))
        val nodes = arrayOf(
            weight,
            causal,
            node(5, "linear", Op.Linear(), Type.rows(7), x, weight),
            node(6, "sum", Op.Add(1.0), Type.rows(4), x, causal),
            node(7, "slice", Op.Slice(2, 3), Type.rows(3), x),
            node(8, "scaled", Op.Scale(2.0), Type.rows(5), x),
            node(9, "active", Op.Activate(Activation.RELU), Type.rows(4), x, x),
            node(10, "table2", Op.Parameter(), Type.fixed(1, 2, 3)),
            node(11, "out", Op.Scale(1.0), Type.rows(4), x),
        )
        problems(*nodes) shouldBe listOf(
            "node linear multiplies [seq, 4] by a weight [7, 5]",
            "node sum needs [seq, 4] as input 1, not causal [seq, 2]",
            "node slice takes columns 2 + 3 of [seq, 4]",
            "node scaled says it is [seq, 5], but its inputs make it [seq, 4]",
            "node active has 2 inputs, but Activate takes 1",
            "node table2 is a parameter of type [1, 2, 3]; a parameter has one or two fixed extents",
        )
    }

    test("a cache that two nodes write is refused") {
        val type = Type.of(Type.Extent.Size(1), Type.Extent.KEYS, Type.Extent.Size(4))
        val cache = node(3, "cache", Op.Input(Source.Cache(1, 4)), type)
        val first = node(4, "first", Op.Append(1, 4), type, cache, x)
        val second = node(5, "second", Op.Append(1, 4), type, cache, x)
        problems(cache, first, second, node(6, "out", Op.Scale(1.0), Type.rows(4), x)) shouldBe
            listOf("cache cache is used by second; one Append writes it and nothing else reads it")
    }

    test("an unsound graph is refused with a count") {
        val graph = Graph("small", listOf(tokens), x, Positions.Sequential())
        shouldThrow<IllegalArgumentException> { GraphVerifier.require(graph) }.message shouldBe
            "graph small: 1 problem\n  the output x is not a node of the graph"
    }
})
