package kumiko.cli.parity

import kumiko.runtime.graph.Graph
import kumiko.runtime.graph.Node
import kumiko.runtime.graph.Op
import kumiko.runtime.graph.Type

/** Another operation for a node, over nodes of the new graph. */
internal class NewNode(val op: Op, val inputs: List<Node>, val type: Type)

/** This graph with other operations for the nodes that [change] gives one for; it is handed each node and its inputs in the new graph. */
internal fun Graph.edited(change: (Node, List<Node>) -> NewNode?): Graph {
    val renewed = HashMap<Node, Node>()
    val nodes = nodes().mapIndexed { id, node ->
        val inputs = node.inputs().map(renewed::getValue)
        val new = change(node, inputs) ?: NewNode(node.op(), inputs, node.type())
        Node(id, node.name(), new.op, new.inputs, new.type).also { renewed[node] = it }
    }
    return Graph(name(), nodes, renewed.getValue(output()), positions())
}

/** The same with another operation over the same inputs. */
internal fun Graph.withOps(change: (Node) -> Op?): Graph = edited { node, inputs -> change(node)?.let { NewNode(it, inputs, node.type()) } }
