package kumiko.cli.card

import kumiko.architectures.Maps
import kumiko.cli.LoadedModel
import kumiko.cli.fastestKernels
import kumiko.cli.options
import kumiko.cli.parity.ParityReport
import kumiko.cli.parity.ParityRun
import kumiko.cli.parity.ReferenceSet
import kumiko.cli.parity.Tolerances
import kumiko.dsl.mapping.configFile
import kumiko.dsl.mapping.roundTrip
import kumiko.dsl.spec.hash
import kumiko.dsl.spec.parameterCount
import kumiko.runtime.kernel.ScalarKernels
import kumiko.runtime.tensor.DType
import java.lang.foreign.Arena
import java.nio.channels.FileChannel
import java.nio.file.Files
import java.nio.file.Path
import java.security.MessageDigest
import java.util.HexFormat

/** Verifies a checkpoint, and where there is one against a reference. */
internal class CardMaker(private val model: LoadedModel, private val loadMillis: Long, private val threads: Int?) {
    private val checkpoint = model.checkpoint

    /** [atol] is for tensors about which the reference says nothing. */
    fun make(reference: ReferenceSet?, atol: Double?): Card {
        val short = reference?.let { parity(it, Tolerances(it, atol, 1.0), exact = false) }
        val exact = reference?.let { parity(it, Tolerances(it, atol, FLOAT64_SHARE), exact = true) }
        val prompts = reference?.sequences ?: listOf(Continuations.prompt(model.spec))
        val continuations = Continuations(model, options(threads)).run(prompts)
        val account = checkpoint.account
        return Card(
            Card.SCHEMA,
            model.name,
            model.spec.copy(name = checkpoint.map.model).hash(),
            MapCard(checkpoint.map.name, sha256(Maps.text(checkpoint.map).toByteArray()), checkpoint.shards),
            model.spec.parameterCount(),
            files().map { file(checkpoint.directory.resolve(it)) },
            KeysCard(
                account.matched.count { !it.tied },
                account.matched.count { it.tied },
                account.ignored.size,
                account.parameters,
                account.problems.size,
            ),
            checkpoint.roundTrip(model.weights).let { RoundTripCard(it.tensors, it.different) },
            if (short == null || exact == null) null else card(file(reference.tensors), short, exact),
            continuations.cards,
            measured(continuations, short),
        )
    }

    private fun parity(reference: ReferenceSet, tolerances: Tolerances, exact: Boolean): ParityReport {
        val kernels = if (exact) ScalarKernels(DType.F64) else fastestKernels()
        return ParityRun(model.forParity(), reference, options(threads, kernels), tolerances).run()
    }

    private fun card(reference: FileCard, short: ParityReport, exact: ParityReport): ParityCard {
        val inFloat64 = exact.nodes.associateBy { it.reference }
        val nodes = short.nodes.filter { it.reference in inFloat64 }.map { node ->
            val other = inFloat64.getValue(node.reference)
            NodeCard(node.node, node.reference, node.tolerance, word(node.good), word(other.good), rounded(other.comparison.maxAbs()))
        }
        return ParityCard(reference, short.sequences, nodes, short.greedy.size, short.greedy.count { it.good })
    }

    private fun word(good: Boolean) = if (good) "within" else "over"

    private fun measured(continuations: Continuations.Result, parity: ParityReport?) = MeasuredCard(
        CardMaker::class.java.`package`.implementationVersion ?: "development",
        Runtime.version().toString(),
        "${System.getProperty("os.name")} ${System.getProperty("os.arch")}",
        fastestKernels().describe(),
        loadMillis,
        rounded(continuations.prefillTokensPerSecond),
        rounded(continuations.decodeTokensPerSecond),
        parity?.nodes.orEmpty().associate { it.reference to rounded(it.comparison.maxAbs()) },
    )

    /** The files that hold a tensor of the model, and its configuration. */
    private fun files(): List<String> {
        val account = checkpoint.account
        val tensors = (account.matched.flatMap { it.parts } + account.ignored.map { it.tensor }).map { it.file }
        val config = checkpoint.map.configFile?.takeIf { Files.isRegularFile(checkpoint.directory.resolve(it)) }
        return (tensors + listOfNotNull(config)).distinct().sorted()
    }

    private companion object {
        /** As `parity --float64` asks. */
        const val FLOAT64_SHARE = 0.1

        /** Three digits. */
        fun rounded(value: Double): Double =
            if (value.isFinite()) "%.2e".format(java.util.Locale.ROOT, value).toDouble() else Double.MAX_VALUE

        fun sha256(bytes: ByteArray): String = HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes))

        fun file(path: Path): FileCard {
            val digest = MessageDigest.getInstance("SHA-256")
            FileChannel.open(path).use { channel ->
                Arena.ofConfined().use { arena ->
                    val data = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena)
                    for (at in 0..<data.byteSize() step CHUNK) {
                        digest.update(
                            data.asSlice(at, minOf(CHUNK, data.byteSize() - at)).asByteBuffer(),
                        )
                    }
                }
            }
            return FileCard(path.fileName.toString(), Files.size(path), HexFormat.of().formatHex(digest.digest()))
        }

        const val CHUNK = 64L shl 20
    }
}
