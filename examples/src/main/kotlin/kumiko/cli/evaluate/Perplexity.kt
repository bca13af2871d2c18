package kumiko.cli.evaluate

import kumiko.cli.evaluate.Evaluated.Companion.seesPromptWhole
import kumiko.cli.refuse
import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Options
import kumiko.runtime.run.Weights
import kotlin.math.exp

/**
 * How well a model predicts a text.
 *
 * @property ids of the text
 * @property predicted ids that had a context to be predicted from
 * @property negativeLogLikelihood mean of -ln p(id | ids before it in its window), in nats
 */
internal data class Perplexity(
    val ids: Int,
    val predicted: Int,
    val windows: Int,
    val context: Int,
    val stride: Int,
    val negativeLogLikelihood: Double,
) {
    /** exp of the mean negative log likelihood. */
    val value: Double get() = exp(negativeLogLikelihood)

    companion object {
        /** @param progress is given how many ids are done */
        fun of(
            graph: Graph,
            weights: Weights,
            options: Options,
            ids: IntArray,
            context: Int,
            stride: Int,
            progress: (Int) -> Unit = {},
        ): Perplexity {
            if (graph.seesPromptWhole) {
                refuse(
                    "${graph.name()} sees its prompt whole (prefix-causal mask), so the tokens of a text are no predictions of it. " +
                        "Perplexity is of models with a causal mask; agree compares any two.",
                )
            }
            Evaluated.requireIds(graph, ids)
            val windows = Window.over(ids.size, context, stride)
            if (windows.sumOf { it.predicted } == 0) {
                refuse(
                    "Nothing to predict: a text needs at least 2 ids, in windows of at least 2; it has ${ids.size} in windows of $context.",
                )
            }
            var sum = 0.0
            Evaluated(graph, weights, options, minOf(context, ids.size)).use { model ->
                for (window in windows) {
                    sum += negativeLogLikelihood(model, ids, window)
                    progress(window.end)
                }
            }
            val predicted = windows.sumOf { it.predicted }
            return Perplexity(ids.size, predicted, windows.size, context, stride, sum / predicted)
        }

        private fun negativeLogLikelihood(model: Evaluated, ids: IntArray, window: Window): Double {
            var sum = 0.0
            model.begin()
            model.read(ids.copyOfRange(window.from, window.end)) { index, logits ->
                val next = window.from + index + 1
                if (next >= window.firstPredicted && next < window.end) sum -= Distribution(logits).logProbability(ids[next])
            }
            return sum
        }
    }
}
