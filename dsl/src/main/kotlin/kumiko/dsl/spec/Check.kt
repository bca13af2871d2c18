package kumiko.dsl.spec

/**
 * The place of a layer while a model is checked: collects what does not fit, so that all problems are told at once. Nothing is allocated.
 */
public class Check internal constructor(
    private val model: Model,
    private val address: String,
    private val report: MutableList<Problem>,
) {
    /** What a layer may know of the model around it. */
    internal data class Model(val tokens: Tokens?, val positions: PositionIds)

    /** The token table, if the embedding has one. */
    public val tokens: Tokens? get() = model.tokens

    public val positions: PositionIds get() = model.positions

    /** Tells that something does not fit at [place] of this layer; an empty place is the layer itself. */
    public fun problem(place: String, what: String, remedy: String) {
        report += Problem(join(address, place), what, remedy)
    }

    /** Whether rows of [input] have the width [wanted], which this layer reads at [place]; tells it if not. */
    public fun fits(place: String, wanted: Dim, input: Width): Boolean {
        val given = input.dim
        if (given == null) {
            problem(
                place,
                "reads rows ${wanted.shown()}, but there are only token ids here",
                "begin the embedding with tokens(vocab, embed)",
            )
        } else if (given.size != wanted.size) {
            problem(
                place,
                "input ${wanted.shown()}, but ${input.role} ${given.shown()}",
                "${given.text} comes from ${input.origin}; did you mean ${given.text}?",
            )
        }
        return given?.size == wanted.size
    }

    /** Rows of width [dim], decided at [place] of this layer. */
    public fun width(dim: Dim, place: String = ""): Width = Width(dim, join(address, place), "its input is")

    /** The width behind [path], which stands in this layer. */
    public fun path(path: Path, input: Width): Width = path.placed(join(address, path.label), merged = true).walk(input)

    /** The width behind [path], which is the layer at this place itself. */
    internal fun inside(path: Path, input: Width): Width = path.placed(address, merged = true).walk(input)

    /** Checks [path] and that it gives back the width of the stream it is added to. */
    public fun keeps(path: Path, stream: Width) {
        val result = path(path, stream)
        val (given, wanted) = (result.dim ?: return) to (stream.dim ?: return)
        if (given.size != wanted.size) {
            report += Problem(result.origin, "output ${given.shown()}, but ${stream.role} ${wanted.shown()}", origins(stream, result))
        }
    }

    internal fun origins(a: Width, b: Width): String =
        "${a.dim?.text} comes from ${a.origin}, ${b.dim?.text} from ${b.origin}; make them one"

    private fun Path.placed(address: String, merged: Boolean) = layers.zip(addresses(address, merged))

    private fun List<Pair<Layer, String>>.walk(input: Width): Width =
        fold(input) { width, (layer, at) -> layer.width(width, Check(model, at, report)) }

    internal companion object {
        /** Every problem of a model, in the order of its layers. */
        fun problems(spec: ModelSpec): List<Problem> {
            val report = mutableListOf<Problem>()
            val model = model(spec)
            val stream = stream(spec, report).copy(role = "the residual stream is")
            spec.distinctBlocks().forEach { (address, block) ->
                Check(model, address, report).keeps(block.asPath(), stream)
            }
            val logits = Check(model, "", report).run { spec.head.asPath().placed("head", merged = false).walk(stream) }
            if (logits.dim?.size != model.tokens?.vocab?.size) report += unreadable(logits, model.tokens)
            val prefix = spec.prefixProblems { prefix ->
                Check(model, "", report).run { prefix.asPath().placed("prefix", merged = false).walk(Width(null, "nothing")) }
            }
            return report + prefix + duplicates(spec) + clashes(spec)
        }

        /** A model reads the tokens it writes. */
        private fun unreadable(logits: Width, tokens: Tokens?): List<Problem> {
            val (written, read) = (logits.dim ?: return emptyList()) to (tokens?.vocab ?: return emptyList())
            val remedy = "${read.text} comes from embedding.tokens; a model reads the tokens it writes: did you mean ${read.text}?"
            return listOf(Problem(logits.origin, "writes ${written.shown()} tokens, but the model reads ${read.shown()}", remedy))
        }

        /** The rows that the embedding gives to the first block. */
        fun stream(spec: ModelSpec, report: MutableList<Problem>): Width = Check(model(spec), "", report).run {
            spec.embedding.asPath().placed("embedding", merged = false).walk(Width(null, "tokens"))
        }

        private fun model(spec: ModelSpec) = Model(spec.tokens, spec.positions)

        /** Two layers under one name, within the embedding, a block or the head. */
        private fun duplicates(spec: ModelSpec): List<Problem> {
            val ends = listOfNotNull("embedding" to spec.embedding, "head" to spec.head, spec.prefix?.let { "prefix" to it })
            val places = ends.map { (address, layer) -> layer.located(address, merged = false) } +
                spec.distinctBlocks().map { (address, block) -> block.asPath().let { it.located(join(address, it.label), merged = true) } }
            return places.flatMap { layers ->
                layers.filter { it.layer.label != null }.groupBy { it.address }.filterValues { it.size > 1 }.map { (address, twice) ->
                    Problem(
                        address,
                        "${twice.size} layers stand here under one name",
                        "give each a name of its own: (...).named(\"second\")",
                    )
                }
            }
        }

        /** Two dims of one name and different content. */
        private fun clashes(spec: ModelSpec): List<Problem> {
            val table = DimTable()
            return spec.distinctParameters().flatMap { parameter ->
                parameter.dims.mapNotNull { table.clash(parameter.template, it) }
            }.distinctBy { it.what }
        }

        private fun DimTable.clash(place: String, dim: Dim): Problem? = try {
            add(dim)
            null
        } catch (e: SpecException) {
            Problem(place, e.message.orEmpty(), "a name stands for one size in a model")
        }
    }
}
