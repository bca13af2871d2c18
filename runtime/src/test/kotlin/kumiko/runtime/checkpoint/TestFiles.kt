package kumiko.runtime.checkpoint

import io.kotest.core.TestConfiguration
import io.kotest.engine.spec.tempdir
import kumiko.runtime.tensor.Tensor
import java.io.ByteArrayOutputStream
import java.lang.foreign.ValueLayout
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.nio.file.Files
import java.nio.file.Path
import java.util.zip.CRC32
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

/** A folder that is removed after the spec. */
fun TestConfiguration.folder(): Path = tempdir().toPath()

fun Path.file(name: String, bytes: ByteArray): Path = Files.write(resolve(name), bytes)

fun Tensor.bytes(): ByteArray = data().toArray(ValueLayout.JAVA_BYTE)

fun floats(vararg values: Float): ByteArray =
    ByteBuffer.allocate(4 * values.size).order(ByteOrder.LITTLE_ENDIAN).apply { values.forEach(::putFloat) }.array()

fun longs(vararg values: Long): ByteArray =
    ByteBuffer.allocate(8 * values.size).order(ByteOrder.LITTLE_ENDIAN).apply { values.forEach(::putLong) }.array()

/** A safetensors file with this header, as it is. */
fun safetensors(header: String, data: ByteArray = ByteArray(0)): ByteArray {
    val text = header.toByteArray()
    return longs(text.size.toLong()) + text + data
}

/** A zip file of stored (or packed) entries. */
fun zip(vararg entries: Pair<String, ByteArray>, packed: Boolean = false): ByteArray {
    val out = ByteArrayOutputStream()
    ZipOutputStream(out).use { zip ->
        for ((name, bytes) in entries) {
            val entry = ZipEntry(name)
            if (!packed) {
                entry.method = ZipEntry.STORED
                entry.size = bytes.size.toLong()
                entry.crc = CRC32().apply { update(bytes) }.value
            }
            zip.putNextEntry(entry)
            zip.write(bytes)
            zip.closeEntry()
        }
    }
    return out.toByteArray()
}

/** Writes pickles by hand, instruction by instruction. */
class PickleText(protocol: Int = 2) {
    private val out = ByteArrayOutputStream()

    init {
        code(0x80, protocol)
    }

    fun code(vararg bytes: Int) = apply { bytes.forEach(out::write) }

    fun code(vararg letters: Char) = apply { letters.forEach { out.write(it.code) } }

    fun global(module: String, name: String) = apply { out.writeBytes("c$module\n$name\n".toByteArray()) }

    fun text(value: String) = apply {
        val bytes = value.toByteArray()
        code('X').int(bytes.size)
        out.writeBytes(bytes)
    }

    fun number(value: Int) = apply { code('J').int(value) }

    fun int(value: Int) = apply { out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array()) }

    fun numbers(values: List<Int>) = apply {
        code('(')
        values.forEach(::number)
        code('t')
    }

    fun storage(key: String, elements: Int, type: String = "FloatStorage") = apply {
        code('(').text("storage").global("torch", type).text(key).text("cpu").number(elements).code('t', 'Q')
    }

    fun tensor(key: String, elements: Int, offset: Int, sizes: List<Int>, strides: List<Int>) = apply {
        global("torch._utils", "_rebuild_tensor_v2").code('(').storage(key, elements).number(offset)
        numbers(sizes).numbers(strides).code(0x89).global("collections", "OrderedDict").code(')', 'R').code('t', 'R')
    }

    fun end(): ByteArray {
        code('.')
        return out.toByteArray()
    }
}

/** A dictionary with one tensor `w`, in a file of `torch.save`. */
fun torchFile(storage: ByteArray, sizes: List<Int>, strides: List<Int>, offset: Int = 0, elements: Int = storage.size / 4): ByteArray {
    val pickle = PickleText().code('}').text("w").tensor("0", elements, offset, sizes, strides).code('s').end()
    return torchZip(pickle, "0" to storage)
}

fun torchZip(pickle: ByteArray, vararg storages: Pair<String, ByteArray>): ByteArray =
    zip("m/data.pkl" to pickle, *storages.map { (key, bytes) -> "m/data/$key" to bytes }.toTypedArray())
