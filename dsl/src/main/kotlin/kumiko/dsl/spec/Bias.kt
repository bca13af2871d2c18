package kumiko.dsl.spec

/** Which linear maps of a layer add a bias. */
public enum class Bias(internal val input: Boolean, internal val output: Boolean) {
    NOWHERE(false, false),

    /** Those that read the rows: query, key and value; gate and up. */
    INPUT(true, false),

    /** The one that writes the rows: out; down. */
    OUTPUT(false, true),

    EVERYWHERE(true, true),
}

/** The weight of a linear map, `[out, in]`, and its bias where it has one. */
internal fun linearWeights(name: String, output: Dim, input: Dim, bias: Boolean, heads: HeadRows? = null): List<Weight> = listOfNotNull(
    Weight(join(name, "weight"), listOf(output, input), heads),
    Weight(join(name, "bias"), listOf(output), heads).takeIf {
        bias
    },
)
