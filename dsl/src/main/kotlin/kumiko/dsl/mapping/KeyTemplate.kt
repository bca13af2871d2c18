package kumiko.dsl.mapping

/**
 * A key or file name with holes, matched and written as a whole, never searched for inside a longer name:
 *
 * | hole | stands for |
 * |---|---|
 * | `{i}` `{i+2}` `{i+2:02}` | the layer, plus two, with at least two digits |
 * | `{s:02}` | the shard |
 * | `{layers+3:02}` | the number of layers, plus three |
 * | `{p}` | `weight` or `bias` |
 * | `{query,key,value}` | one of these words |
 */
class KeyTemplate private constructor(val text: String, private val pieces: List<Piece>) {
    private sealed interface Piece {
        data class Literal(val text: String) : Piece

        data class Number(val variable: Variable, val plus: Int, val width: Int) : Piece

        data object Kind : Piece

        data class Choice(val words: List<String>) : Piece
    }

    enum class Variable(val word: String) { LAYER("i"), SHARD("s"), LAYERS("layers") }

    /** What the holes stand for in one name. [choices] has one index for each alternative group, in order. */
    data class Binding(
        val layer: Int? = null,
        val shard: Int? = null,
        val layers: Int? = null,
        val kind: String? = null,
        val choices: List<Int> = emptyList(),
    )

    val hasKind: Boolean get() = Piece.Kind in pieces

    /** The words of each alternative group, in order. */
    val groups: List<List<String>> get() = pieces.filterIsInstance<Piece.Choice>().map { it.words }

    fun has(variable: Variable): Boolean = pieces.any { it is Piece.Number && it.variable == variable }

    operator fun plus(other: KeyTemplate) = KeyTemplate(text + other.text, pieces + other.pieces)

    fun render(binding: Binding): String = buildString {
        var group = 0
        for (piece in pieces) {
            when (piece) {
                is Piece.Literal -> append(piece.text)
                is Piece.Number -> append((value(piece.variable, binding) + piece.plus).toString().padStart(piece.width, '0'))
                Piece.Kind -> append(binding.kind ?: error("$text: no weight or bias given"))
                is Piece.Choice -> append(piece.words[binding.choices[group++]])
            }
        }
    }

    private fun value(variable: Variable, binding: Binding): Int = when (variable) {
        Variable.LAYER -> binding.layer
        Variable.SHARD -> binding.shard
        Variable.LAYERS -> binding.layers
    } ?: error("$text: {${variable.word}} has no value here")

    /** The binding that renders to [name], or null. [layers] must be given where the template has `{layers}`. */
    fun match(name: String, layers: Int? = null): Binding? {
        val found = regex(layers).matchEntire(name)?.groupValues ?: return null
        var binding = Binding(layers = layers)
        pieces.filter { it !is Piece.Literal }.forEachIndexed { index, piece ->
            val word = found[index + 1]
            binding = when (piece) {
                is Piece.Number -> bound(piece, word, binding)
                Piece.Kind -> binding.copy(kind = word)
                is Piece.Choice -> binding.copy(choices = binding.choices + piece.words.indexOf(word))
                is Piece.Literal -> binding
            }
        }
        return binding.takeIf { fits(it) && render(it) == name }
    }

    private fun fits(binding: Binding) = (binding.layer ?: 0) >= 0 && (binding.shard ?: 0) >= 0

    private fun bound(piece: Piece.Number, word: String, binding: Binding): Binding {
        val value = word.toInt() - piece.plus
        return when (piece.variable) {
            Variable.LAYER -> binding.copy(layer = value)
            Variable.SHARD -> binding.copy(shard = value)
            Variable.LAYERS -> binding
        }
    }

    private fun regex(layers: Int?) = Regex(
        pieces.joinToString("") { piece ->
            when (piece) {
                is Piece.Literal -> Regex.escape(piece.text)

                is Piece.Number ->
                    if (piece.variable == Variable.LAYERS && layers != null) "(0*${layers + piece.plus})" else "(\\d{1,9})"

                Piece.Kind -> "(weight|bias)"

                is Piece.Choice -> piece.words.joinToString("|", "(", ")") { Regex.escape(it) }
            }
        },
    )

    override fun toString() = text

    override fun equals(other: Any?) = other is KeyTemplate && other.text == text

    override fun hashCode() = text.hashCode()

    companion object {
        private val NUMBER = Regex("""(i|s|layers)(?:\+(\d{1,4}))?(?::0(\d))?""")

        /** @throws MappingException naming the hole that is not understood */
        fun parse(text: String): KeyTemplate {
            val pieces = ArrayList<Piece>()
            var at = 0
            while (at < text.length) {
                val open = text.indexOf('{', at).let { if (it < 0) text.length else it }
                if (open > at) pieces += literal(text, at, open)
                if (open == text.length) break
                val close = text.indexOf('}', open)
                if (close < 0) throw MappingException("\"$text\": the brace at column ${open + 1} is not closed")
                pieces += hole(text, text.substring(open + 1, close))
                at = close + 1
            }
            return KeyTemplate(text, pieces)
        }

        private fun literal(text: String, from: Int, to: Int): Piece {
            val literal = text.substring(from, to)
            if ('}' in literal) throw MappingException("\"$text\": a closing brace without its opening one")
            return Piece.Literal(literal)
        }

        private fun hole(text: String, inside: String): Piece {
            if (inside == "p") return Piece.Kind
            NUMBER.matchEntire(inside)?.let { found ->
                val variable = Variable.entries.first { it.word == found.groupValues[1] }
                return Piece.Number(variable, found.groupValues[2].ifEmpty { "0" }.toInt(), found.groupValues[3].ifEmpty { "1" }.toInt())
            }
            val words = inside.split(',')
            if (words.size < 2 || words.any { it.isEmpty() || '{' in it } || words.toSet().size != words.size) {
                throw MappingException(
                    "\"$text\": {$inside} is not understood; a hole is {i}, {i+2:02}, {s:02}, {layers+3}, {p} or different words like {query,key}",
                )
            }
            return Piece.Choice(words)
        }
    }
}
