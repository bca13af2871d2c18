package kumiko.cli.bench

import kumiko.cli.bench.BenchResult.Load
import kumiko.cli.bench.BenchResult.Speed
import kumiko.cli.learnedPositions
import kumiko.cli.refuse
import kumiko.cli.refusing
import kumiko.runtime.graph.Graph
import kumiko.runtime.run.Options
import kumiko.runtime.run.Program
import kumiko.runtime.run.Sampler
import kumiko.runtime.run.Session
import java.lang.foreign.MemorySegment

/**
 * What is measured, and how often.
 *
 * @property prefill tokens of the prompt
 * @property decode tokens that are written behind it in every round
 * @property batches sequences that are decoded together, one measurement each
 * @property rounds how often the same is measured
 */
internal data class BenchSettings(
    val prefill: Int,
    val decode: Int,
    val batches: List<Int>,
    val rounds: Int,
    val warmth: Warmth,
    val options: Options,
) {
    /** Positions that a sequence comes to. */
    val positions: Int get() = Math.addExact(prefill, Math.multiplyExact(decode, rounds))
}

/**
 * Measures loading first, while the JVM knows nothing, then prefill and decoding, and before each round of them the machine, which others may
 * slow down meanwhile. [onStage] is told what begins.
 */
internal class Bench(
    private val settings: BenchSettings,
    private val open: () -> Subject,
    private val limits: (Int) -> Limits = ::MeasuredLimits,
    private val onStage: (String) -> Unit = {},
) {
    private val sampler = Sampler.greedy()

    fun run(): BenchResult {
        onStage("loading")
        val start = System.nanoTime()
        fun elapsed() = (System.nanoTime() - start) / NANOS
        open().use { subject ->
            val opened = elapsed()
            val graph = subject.graph()
            requirePositions(graph)
            return Program.compile(graph, subject.weights, settings.options).use { program ->
                val compiled = elapsed()
                program.open(1, FEW).use { write(it, arrayOf(Prompts.ids(graph, minOf(FEW, settings.prefill), 0)), 0) }
                val firstToken = elapsed()
                val load = Load(opened.takeIf { subject.isStored }, compiled - opened, firstToken, compileAgain(subject))
                val peak = ProcessMemory.peakResident()
                limits(settings.options.threads()).use { measure(subject, graph, program, load, peak, it) }
            }
        }
    }

    private fun requirePositions(graph: Graph) {
        val learned = graph.learnedPositions() ?: return
        if (settings.positions > learned) {
            refuse(
                "${graph.name()} has $learned learned positions, but ${settings.prefill} of --prefill and ${settings.rounds} rounds of " +
                    "${settings.decode} of --decode come to ${settings.positions}. Make one of them smaller.",
            )
        }
    }

    private fun compileAgain(subject: Subject): Rounds =
        Rounds.of(COMPILES) { Program.compile(subject.graph(), subject.weights, settings.options).close() }

    /** [peak] is the memory that loading took; that of [limits] does not count. */
    private fun measure(subject: Subject, graph: Graph, program: Program, load: Load, peak: Long?, limits: Limits): BenchResult {
        onStage("prefill")
        val prefill = prefill(graph, program, limits)
        val decode = settings.batches.map {
            onStage("decoding $it at once")
            decode(graph, program, it, limits)
        }
        val resident = peak?.let { maxOf(it, ProcessMemory.peakResident()!! - limits.bytes) }
        val kernels = settings.options.kernels().describe()
        return BenchResult(
            subject.name, subject.origin, kernels, settings, load, prefill, decode, resident,
            if (subject.isStored) ProcessMemory.filesInLargePages() else null,
            ProcessMemory.peakHeap(),
        )
    }

    private fun prefill(graph: Graph, program: Program, limits: Limits): Speed = refusing {
        program.open(1, settings.prefill)
    }.use { session ->
        val prompt = arrayOf(Prompts.ids(graph, settings.prefill, 1))
        settings.warmth.warm { write(session, prompt, 0) }
        val (rounds, allocated) = rounds(limits) { write(session, prompt, 0) }
        Speed(1, settings.prefill, 1, program.work(1, settings.prefill, 0), rounds, allocated)
    }

    /** The rounds follow one another, so that each has a longer past than the one before; the middle of all stands for the work. */
    private fun decode(graph: Graph, program: Program, batch: Int, limits: Limits): Speed =
        refusing { program.open(batch, settings.positions) }.use { session ->
            val few = Array(batch) { Prompts.ids(graph, minOf(FEW, settings.prefill), it) }
            settings.warmth.warm { write(session, few, minOf(FEW, settings.decode)) }
            write(session, Array(batch) { Prompts.ids(graph, settings.prefill, it + 1) }, 0)
            val tokens = IntArray(batch)
            val weights = program.weightMemory()
            val (rounds, allocated) = rounds(limits, weights) { continued(session, tokens, settings.decode) }
            val work = program.work(batch, 1, (settings.prefill + settings.positions) / 2)
            Speed(batch, batch * settings.decode, settings.decode, work, rounds, allocated)
        }

    /** Times, and what the last round allocated on the heap. */
    private fun rounds(limits: Limits, weights: List<MemorySegment>? = null, action: () -> Unit): Pair<List<Round>, Long> {
        var allocated = 0L
        val rounds = List(settings.rounds) {
            val now = limits.rounds()
            val weightBytesPerSecond = weights?.let(limits::bytesPerSecond)
            var time = 0.0
            allocated = ProcessMemory.allocated { time = seconds(action) }
            Round(now, time, weightBytesPerSecond)
        }
        return rounds to allocated
    }

    /** Prompts from the beginning, the token behind each, and [more]. */
    private fun write(session: Session, prompts: Array<IntArray>, more: Int) {
        prompts.indices.forEach(session::clear)
        session.prefill(prompts)
        val tokens = IntArray(prompts.size) { session.sample(it, sampler) }
        continued(session, tokens, more)
    }

    private fun continued(session: Session, tokens: IntArray, count: Int) {
        repeat(count) {
            for (slot in tokens.indices) tokens[slot] = session.sample(slot, sampler)
            session.decode(tokens)
        }
    }

    private companion object {
        /** Ids of a short prompt, and tokens of a short text. */
        const val FEW = 8
        const val COMPILES = 9
        const val NANOS = 1e9
    }
}
