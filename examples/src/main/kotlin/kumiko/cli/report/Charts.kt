package kumiko.cli.report

import kumiko.cli.bytes
import kumiko.cli.grouped
import kumiko.cli.observe.ModelRun
import kumiko.dsl.compare.Account
import kumiko.dsl.compare.inside
import kumiko.dsl.spec.Attention
import kumiko.dsl.spec.LearnedPositions
import kumiko.dsl.spec.ModelSpec
import kumiko.dsl.spec.PositionCode
import kumiko.dsl.spec.frequencies
import kumiko.runtime.tensor.DType
import java.util.Locale
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
                    "${account.spec.name}, pair $pair\none turn in ${"%,.1f".format(Locale.ROOT, wave)} positions",
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

/** A number for the norms of the residual stream's rows, from the input of the first block to the output of the last. */
internal fun normCurves(runs: List<ModelRun>, number: (List<Double>) -> Double): String {
    val lines = runs.mapIndexed { index, run ->
        Line(
            index,
            run.model,
            run.stream.entries.mapIndexed { depth, (node, norms) ->
                val tip = "${run.model}, $node\nnorm ${shown(
                    number(norms),
                )}\nof all positions ${shown(norms.min())} to ${shown(norms.max())}"
                Point(depth.toDouble(), number(norms), tip)
            }.filter { it.y > 0 && it.y.isFinite() },
        )
    }.filter { it.points.isNotEmpty() }
    if (lines.isEmpty()) return ""
    val depth = runs.maxOf { it.stream.size - 1 }
    val ticks = (0..depth step maxOf(1, (depth + 5) / 6)).map { it.toDouble() to "$it" }
    val x = Axis("blocks passed", 0.0, depth.toDouble().coerceAtLeast(1.0), ticks, log = false)
    val y = Axis.decades("Euclidean norm", lines.flatMap { line -> line.points.map { it.y } }) { shown(it) }
    return lineChart("Norms of the residual stream", x, y, lines)
}

private fun shown(value: Double) =
    if (value >= 1e6 || value < 1e-3) "%.1e".format(Locale.ROOT, value) else "%.4g".format(Locale.ROOT, value).trimZeros()

/** Without zeros behind the point. */
private fun String.trimZeros() = if ('.' in this) trimEnd('0').trimEnd('.') else this

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
