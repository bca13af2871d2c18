package kumiko.runtime.checkpoint

import io.kotest.core.spec.style.FunSpec
import io.kotest.matchers.shouldBe
import java.lang.foreign.Arena
import java.nio.ByteBuffer
import java.nio.channels.FileChannel
import java.nio.channels.ReadableByteChannel
import java.nio.channels.WritableByteChannel
import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardOpenOption
import kotlin.random.Random

private const val PIECE = 2 shl 20

/** Passes on to [file] what pieces need of it, and notes where each write began and how long it was. */
private class Noting(val file: FileChannel, val writes: MutableList<Pair<Long, Int>>) : FileChannel() {
    override fun write(bytes: ByteBuffer): Int {
        val begin = file.position()
        return file.write(bytes).also { writes += begin to it }
    }

    override fun write(bytes: ByteBuffer, position: Long): Int = file.write(bytes, position)
    override fun position(): Long = file.position()
    override fun position(position: Long): FileChannel = apply { file.position(position) }
    override fun size(): Long = file.size()
    override fun implCloseChannel() = file.close()

    private fun no(): Nothing = throw UnsupportedOperationException("not of a file that is written from front to back")
    override fun read(bytes: ByteBuffer) = no()
    override fun read(bytes: Array<out ByteBuffer>, offset: Int, length: Int) = no()
    override fun read(bytes: ByteBuffer, position: Long) = no()
    override fun write(bytes: Array<out ByteBuffer>, offset: Int, length: Int) = no()
    override fun truncate(size: Long) = no()
    override fun force(metaData: Boolean) = no()
    override fun transferTo(position: Long, count: Long, target: WritableByteChannel) = no()
    override fun transferFrom(source: ReadableByteChannel, position: Long, count: Long) = no()
    override fun map(mode: MapMode, position: Long, size: Long) = no()
    override fun lock(position: Long, size: Long, shared: Boolean) = no()
    override fun tryLock(position: Long, size: Long, shared: Boolean) = no()
}

class PieceChannelSpec : FunSpec({
    val folder = folder()

    fun written(name: String, body: (PieceChannel) -> Unit): ByteArray {
        val path: Path = folder.resolve(name)
        FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE).use { file ->
            Arena.ofConfined().use { arena -> PieceChannel(file, arena).also(body).flush() }
        }
        return Files.readAllBytes(path)
    }

    test("what is written in any lengths is in the file, in order, and nothing else") {
        val random = Random(1)
        val parts = listOf(0, 1, PIECE - 3, 2, 0, 5, 2 * PIECE + 1, PIECE, 77).map { random.nextBytes(it) }
        val bytes = written("parts") { channel ->
            var before = 0L
            for (part in parts) {
                channel.position() shouldBe before
                channel.write(ByteBuffer.wrap(part)) shouldBe part.size
                before += part.size
            }
        }
        bytes.contentEquals(parts.reduce(ByteArray::plus)) shouldBe true
    }

    test("the file is written in pieces of 2 MiB that begin at multiples of it, again after zeros were skipped") {
        val writes = mutableListOf<Pair<Long, Int>>()
        FileChannel.open(folder.resolve("noted"), StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE).use { file ->
            Arena.ofConfined().use { arena ->
                val channel = PieceChannel(Noting(file, writes), arena)
                repeat(5) { channel.write(ByteBuffer.allocate(PIECE / 2 + 1)) }
                channel.skip(10)
                channel.write(ByteBuffer.allocate(2 * PIECE))
                channel.flush()
            }
        }
        val half = PIECE / 2 + 5
        writes.filter { it.second > 0 } shouldBe listOf(
            0L to PIECE,
            1L * PIECE to PIECE,
            2L * PIECE to half,
            2L * PIECE + half + 9 to 1,
            2L * PIECE + half + 10 to PIECE - half - 10,
            3L * PIECE to PIECE,
            4L * PIECE to half + 10,
        )
    }

    test("bytes are replaced where they are: in the file, in the piece that waits, and across the border between them") {
        val random = Random(2)
        val want = random.nextBytes(PIECE + 100)
        val bytes = written("replaced") { channel ->
            channel.write(ByteBuffer.wrap(want))
            for (at in listOf(0, PIECE - 2, PIECE + 50)) {
                val other = random.nextBytes(4)
                channel.replace(at.toLong(), ByteBuffer.wrap(other))
                other.copyInto(want, at)
            }
            channel.position() shouldBe want.size
        }
        bytes.contentEquals(want) shouldBe true
    }

    test("zeros that are skipped are zeros in the file, at its end too") {
        val random = Random(3)
        val (head, middle) = listOf(random.nextBytes(1000), random.nextBytes(PIECE))
        val bytes = written("zeros") { channel ->
            channel.write(ByteBuffer.wrap(head))
            channel.skip(3L * PIECE + 5)
            channel.skip(0)
            channel.write(ByteBuffer.wrap(middle))
            channel.skip(7)
            channel.position() shouldBe head.size + 4L * PIECE + 12
        }
        bytes.contentEquals(head + ByteArray(3 * PIECE + 5) + middle + ByteArray(7)) shouldBe true
    }
})
