package kumiko.cli.bench

import java.lang.management.ManagementFactory
import java.lang.management.MemoryType
import java.nio.file.Files
import java.nio.file.Path
import com.sun.management.ThreadMXBean as Threads

/** What this process has taken so far. */
internal object ProcessMemory {
    private val status = Path.of("/proc/self/status")
    private val mappings = Path.of("/proc/self/smaps_rollup")
    private val threads = ManagementFactory.getThreadMXBean() as Threads

    /** The most memory that was resident at once, mapped files included, in bytes; null where the system does not say. */
    fun peakResident(): Long? = bytes(status, "VmHWM:")

    /**
     * The share of what is resident of mapped files that lies in large pages, as the sums of [mappings] and [status] tell; null where they
     * do not.
     */
    fun filesInLargePages(mappings: Path = this.mappings, status: Path = this.status): Double? {
        val large = bytes(mappings, "FilePmdMapped:") ?: return null
        return bytes(status, "RssFile:")?.let { large / it.toDouble() }
    }

    private fun bytes(file: Path, field: String): Long? = if (!Files.isReadable(file)) {
        null
    } else {
        Files.readAllLines(file).firstOrNull { it.startsWith(field) }?.filter { it.isDigit() }?.toLong()?.times(KIB)
    }

    /** The most that any moment had on the Java heap, garbage included, in bytes: the pools' peaks together, so rather too much. */
    fun peakHeap(): Long = ManagementFactory.getMemoryPoolMXBeans().filter { it.type == MemoryType.HEAP }.sumOf { it.peakUsage.used }

    /** Bytes that this thread and those of the team allocate on the heap during [action]. */
    fun allocated(action: () -> Unit): Long {
        val ids = Thread.getAllStackTraces().keys.filter { it === Thread.currentThread() || it.name.startsWith("kumiko-worker") }
            .map { it.threadId() }.toLongArray()
        val first = threads.getThreadAllocatedBytes(ids).sum()
        // Asking allocates as well: as much as between these two.
        val second = threads.getThreadAllocatedBytes(ids).sum()
        action()
        val third = threads.getThreadAllocatedBytes(ids).sum()
        return (third - second) - (second - first)
    }

    private const val KIB = 1024
}
