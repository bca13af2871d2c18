package kumiko.cli.observe

/**
 * What one checkpoint computed for a sequence.
 *
 * @property stream Euclidean norms of the residual stream's rows, by node (`embedding`, `blocks.0`, ...) and position
 * @property next the most probable next tokens behind each position
 */
internal class ModelRun(
    val model: String,
    val stream: Map<String, List<Double>>,
    val attention: List<AttentionMap>,
    val next: List<List<NextToken>>,
)
