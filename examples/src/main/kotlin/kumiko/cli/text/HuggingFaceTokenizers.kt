package kumiko.cli.text

import ai.djl.huggingface.tokenizers.HuggingFaceTokenizer
import kumiko.cli.Refusal
import java.nio.file.Files
import java.nio.file.Path

/**
 * The engine: Hugging Face's tokenizers library through DJL (Apache 2.0), native code inside its jar. It is used offline only: DJL
 * would otherwise report its first use to a server of its own.
 *
 * This class loads a native library; nothing on the way to other commands may touch it.
 */
internal class HuggingFaceTokenizers(
    override val source: String,
    json: ByteArray,
    beginning: List<Int>?,
    stops: (idOf: (String) -> Int?, beginning: List<Int>) -> Set<Int>,
) : Tokenizer {
    private val engine: HuggingFaceTokenizer = open(source, json)

    // What the file puts before a text is what stands before its ids when special tokens are asked for.
    override val beginning: List<Int> = beginning ?: run {
        val bare = encode("a").toList()
        val dressed = engine.encode("a", true, false).ids.map(Long::toInt)
        dressed.take((0..dressed.size - bare.size).firstOrNull { dressed.subList(it, it + bare.size) == bare } ?: 0)
    }

    override val stops: Set<Int> = stops(::idOf, this.beginning)

    override fun encode(text: String): IntArray = engine.encode(text, false, false).ids.narrow()

    override fun decode(ids: IntArray): String = engine.decode(ids.widen(), false)

    override fun plain(ids: IntArray): String = engine.decode(ids.widen(), true)

    override fun close() = engine.close()

    private fun idOf(token: String): Int? = encode(token).singleOrNull()

    private fun LongArray.narrow() = IntArray(size) { Math.toIntExact(this[it]) }

    private fun IntArray.widen() = LongArray(size) { this[it].toLong() }

    private companion object {
        init {
            System.setProperty("OPT_OUT_TRACKING", "true")
            System.setProperty("ai.djl.offline", "true")
            if (System.getProperty("DJL_CACHE_DIR") == null && System.getenv("DJL_CACHE_DIR") == null) {
                System.setProperty("DJL_CACHE_DIR", natives().toString())
            }
        }

        // Nothing cut off, nothing filled up, nothing added unless asked for.
        private val plain = mapOf("truncation" to "false", "padding" to "false", "addSpecialTokens" to "false")

        fun open(source: String, json: ByteArray): HuggingFaceTokenizer = try {
            HuggingFaceTokenizer.newInstance(json.inputStream(), plain)
        } catch (e: RuntimeException) {
            throw Refusal("$source: cannot be used as a tokenizer: ${e.message?.lineSequence()?.first()}")
        }

        /** Where the native library is unpacked, once per version. */
        private fun natives(): Path {
            val caches = System.getenv("XDG_CACHE_HOME")?.takeIf { it.isNotEmpty() }?.let(Path::of)
                ?: Path.of(System.getProperty("user.home"), ".cache")
            val wanted = caches.resolve("kumiko").resolve("natives")
            return runCatching { Files.createDirectories(wanted) }.getOrNull()?.takeIf { Files.isWritable(it) }
                ?: Files.createTempDirectory("kumiko-natives").also { folder ->
                    Runtime.getRuntime().addShutdownHook(Thread { folder.toFile().deleteRecursively() })
                }
        }
    }
}
