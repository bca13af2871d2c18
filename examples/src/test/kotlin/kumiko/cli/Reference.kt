package kumiko.cli

import io.kotest.core.test.Enabled
import io.kotest.core.test.EnabledOrReasonIf
import java.nio.file.Files
import java.nio.file.Path

/** The reference data, which may be absent: then tests that need it say so and are skipped. */
object Reference {
    private val root: Path = Path.of(System.getProperty("kumiko.reference")).normalize()

    fun folder(name: String): Path = root.resolve(name)

    /** Folders below [name] that hold [file]. */
    fun foldersWith(name: String, file: String): List<Path> {
        val folder = folder(name)
        if (!Files.isDirectory(folder)) return emptyList()
        return Files.list(folder).use { it.filter { f -> Files.exists(f.resolve(file)) }.sorted().toList() }
    }

    val present: EnabledOrReasonIf = {
        if (Files.isDirectory(root)) Enabled.enabled else Enabled.disabled("no reference data at $root")
    }
}
