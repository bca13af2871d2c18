package kumiko.dsl.spec

/** What numbers, names and operations of an expression text mean. */
internal interface Algebra<T> {
    fun number(value: Double): T

    fun name(name: String): T

    fun combine(symbol: Char, left: T, right: T): T

    fun call(function: String, arguments: List<T>): T
}

/** Reads `4 * embed`, `(a + b) / 2`, `sqrt(2 * count)`; refuses anything else with the text and a caret under the fault. */
internal fun <T> parseExpression(text: String, algebra: Algebra<T>): T = ExpressionParser(text, algebra).parse()

private class ExpressionParser<T>(private val text: String, private val algebra: Algebra<T>) {
    private var at = 0
    private var depth = 0

    fun parse(): T = sum().also { if (peek() != null) fail("expected the end") }

    private fun sum(): T = chain("+-") { chain("*/") { atom() } }

    private fun chain(symbols: String, operand: () -> T): T {
        var left = operand()
        while (true) {
            val symbol = peek()?.takeIf { it in symbols } ?: return left
            at++
            left = algebra.combine(symbol, left, operand())
        }
    }

    private fun atom(): T {
        val first = peek() ?: fail("expected a number or a name")
        return when {
            first == '(' -> parenthesised()
            first.isDigit() -> algebra.number(literal())
            first.isLetter() -> named(word { it.isLetterOrDigit() })
            else -> fail("expected a number or a name")
        }
    }

    private fun parenthesised(): T {
        if (++depth > MAX_DEPTH) fail("nested too deep")
        expect('(')
        return sum().also {
            expect(')')
            depth--
        }
    }

    private fun named(name: String): T {
        if (peek() != '(') return algebra.name(name)
        if (++depth > MAX_DEPTH) fail("nested too deep")
        expect('(')
        val arguments = mutableListOf(sum())
        while (peek() == ',') {
            expect(',')
            arguments += sum()
        }
        expect(')')
        depth--
        return algebra.call(name, arguments)
    }

    private fun peek(): Char? {
        while (at < text.length && text[at] == ' ') at++
        return text.getOrNull(at)
    }

    private fun expect(symbol: Char) {
        if (peek() != symbol) fail("expected '$symbol'")
        at++
    }

    private fun literal(): Double {
        val match = NUMBER.matchAt(text, at) ?: fail("expected a number")
        at = match.range.last + 1
        return match.value.toDouble()
    }

    private fun word(belongs: (Char) -> Boolean): String {
        val from = at
        while (at < text.length && belongs(text[at])) at++
        return text.substring(from, at)
    }

    private fun fail(problem: String): Nothing = throw SpecException("cannot read the expression: $problem\n  $text\n  ${" ".repeat(at)}^")

    private companion object {
        const val MAX_DEPTH = 64
        val NUMBER = Regex("""[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?""")
    }
}
