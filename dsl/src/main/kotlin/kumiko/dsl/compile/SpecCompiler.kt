@file:JvmName("SpecCompiler")

package kumiko.dsl.compile

import kumiko.dsl.spec.Lowering
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.PrefixColumns
import kumiko.dsl.spec.SpecException
import kumiko.dsl.spec.runtime
import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.GraphBuilder

/** What the model computes, as a graph: `embedding` feeds block 0, `blocks.{i}` is a block's output, `logits` the result. */
public fun ModelSpec.compile(): Graph {
    val builder = GraphBuilder(name)
    val embedded = Lowering.part(this, builder, embedding, "embedding", builder.tokens(), "embedding")
    val columns = prefix?.let { PrefixColumns(Lowering.part(this, builder, it, "prefix", builder.tokens(), "prefix")) }
    val stream = (0..<layers).fold(embedded) { x, layer -> Lowering.block(this, builder, layer, x, columns) }
    val logits = Lowering.part(this, builder, head, "head", stream, "logits")
    val vocab = tokens?.vocab
    if (vocab != null && logits.type().width() != vocab.size) {
        throw SpecException(
            "$name: node logits ${logits.type()} is not as wide as the vocabulary ${vocab.shown()}; the head says one width and computes another",
        )
    }
    return builder.build(logits, positions.runtime())
}
