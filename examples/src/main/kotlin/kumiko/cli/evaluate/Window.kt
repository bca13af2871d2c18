package kumiko.cli.evaluate

/**
 * Ids [from]..<[end] of a text, given to a model at once. Those from [new] on no window before it has; the ones in front of them are
 * context only.
 */
internal data class Window(val from: Int, val end: Int, val new: Int) {
    /** The first id whose probability counts: an id is predicted from those before it in the window. */
    val firstPredicted: Int get() = maxOf(new, from + 1)

    val predicted: Int get() = maxOf(0, end - firstPredicted)

    companion object {
        /**
         * Windows of [context] ids that begin [stride] ids apart, until the text of [size] ids ends: every id is new in exactly one.
         * Transformers' recipe (huggingface.co/docs/transformers/perplexity).
         */
        fun over(size: Int, context: Int, stride: Int): List<Window> {
            require(stride in 1..context) { "windows of $context ids cannot begin $stride apart" }
            val windows = ArrayList<Window>()
            var new = 0
            while (new < size) {
                val from = windows.size * stride
                val end = minOf(size.toLong(), from.toLong() + context).toInt()
                windows += Window(from, end, new)
                new = end
            }
            return windows
        }
    }
}
