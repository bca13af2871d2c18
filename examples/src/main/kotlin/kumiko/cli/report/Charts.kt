package kumiko.cli.report

import kumiko.cli.bytes
import kumiko.cli.grouped
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.inside
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.LearnedPositions
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.frequencies
import kumiko.runtime.tensor.DType
import kotlin.math.PI

/** FLOPs a token of a prompt against its length. Learned positions end where they end. */
internal fun costCurves(accounts: List<Account>): String {
    val lines = accounts.mapIndexed { index, account ->
        Line(
            index,
            account.spec.name,
            lengths(account.spec).map { length ->
                val flops = account.flops(length, 0)
                Point(
                    length.toDouble(),
                    flops.toDouble() / length,
                    "${account.spec.name}\n${grouped(flops)} FLOPs\nfor a prompt of ${grouped(length)} tokens",
                )
            },
        )
    }
    val y = Axis.decades("FLOPs a token", lines.flatMap { line -> line.points.map { it.y } }) { giga(it.toLong()).round() }
    return lineChart("FLOPs a token against the length of the prompt", lengthAxis("tokens of prompt"), y, lines)
}

/** Bytes of key/value cache against context, at two bytes a number. */
internal fun cacheCurves(accounts: List<Account>): String {
    val lines = accounts.mapIndexed { index, account ->
        Line(
            index,
            account.spec.name,
            lengths(account.spec).map { length ->
                val size = length * account.cacheBytesPerToken(DType.F16)
                Point(
                    length.toDouble(),
                    size.toDouble(),
                    "${account.spec.name}\n${grouped(size)} bytes of cache\nfor ${grouped(length)} tokens",
                )
            },
        )
    }
    val y = Axis.decades(
        "bytes of cache, 16 bit",
        lines.flatMap { line ->
            line.points.map { it.y }
        },
    ) { bytes(it.toLong()).round() }
    return lineChart("Key/value cache against context", lengthAxis("tokens of context"), y, lines)
}

/** Positions that a rotary pair takes for one turn, by pair; null where no model turns. */
internal fun wavelengths(accounts: List<Account>): String? {
    val lines = accounts.mapIndexedNotNull { index, account ->
        val waves = wavelengths(account.spec) ?: return@mapIndexedNotNull null
        Line(
            index,
            account.spec.name,
            waves.mapIndexed { pair, wave ->
                Point(
                    pair.toDouble(),
                    wave,
                    "${account.spec.name}, pair $pair\none turn in ${"%,.1f".format(java.util.Locale.ROOT, wave)} positions",
                )
            },
        )
    }
    if (lines.isEmpty()) return null
    val pairs = lines.maxOf { it.points.size }
    val x =
        Axis(
            "pair of a head's elements",
            0.0,
            (pairs - 1).toDouble().coerceAtLeast(1.0),
            (0..<pairs step maxOf(1, pairs / 4)).map {
                it.toDouble() to "$it"
            },
            log = false,
        )
    val y = Axis.decades("positions for one turn", lines.flatMap { line -> line.points.map { it.y } }) { giga(it.toLong()).round() }
    return lineChart("Rotary wavelengths", x, y, lines)
}

internal fun wavelengths(spec: ModelSpec): List<Double>? {
    val code = spec.block(0).inside().filterIsInstance<Attention>().map {
        it.positions
    }.firstOrNull { it != PositionCode.None } ?: return null
    return code.frequencies()!!.values().map { 2 * PI / it }
}

private fun lengths(spec: ModelSpec): List<Long> {
    val end = spec.embedding.inside().filterIsInstance<LearnedPositions>().minOfOrNull { it.positions.size.toLong() } ?: Long.MAX_VALUE
    return LENGTHS.filter { it <= end }.ifEmpty { listOf(end) }
}

private fun lengthAxis(title: String) = Axis(
    title,
    LENGTHS.first().toDouble(),
    LENGTHS.last().toDouble(),
    LENGTHS.filterIndexed { index, _ ->
        index % 2 == 0
    }.map { it.toDouble() to tokens(it) },
    log = true,
)

/** A power of ten without its zeros behind the point. */
private fun String.round() = replace(Regex("\\.0+ "), " ")

private fun tokens(count: Long) = if (count >= 1024) "${count / 1024} k" else "$count"

/** Lengths that are looked at, to where long-context models are sold today. */
private val LENGTHS = generateSequence(128L) { it * 2 }.take(11).toList()
