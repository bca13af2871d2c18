package kumiko.architectures

import java.nio.file.Files
import java.nio.file.Path
import java.util.jar.JarFile
import java.util.zip.ZipEntry
import kotlin.io.path.name

/** The files that this package is made of, in a folder or in a jar: how maps and models are found without a list. */
internal object PackageFiles {
    private val folder = javaClass.packageName.replace('.', '/')
    private val place = Path.of(javaClass.protectionDomain.codeSource.location.toURI())

    /** Read as a jar, not as a resource or a file system: those would cost a command a quarter of its start. Open as long as the class. */
    private val jar: JarFile? = if (Files.isDirectory(place)) null else JarFile(place.toFile())

    /** Their names, sorted. */
    val names: List<String> by lazy { (jar?.let(::inJar) ?: inFolder(place.resolve(folder))).sorted() }

    fun text(name: String): String =
        if (jar == null) Files.readString(place.resolve(folder).resolve(name)) else read(jar, jar.getEntry("$folder/$name"))

    private fun read(jar: JarFile, entry: ZipEntry) = jar.getInputStream(entry).use { it.readAllBytes().decodeToString() }

    private fun inFolder(folder: Path): List<String> = Files.list(folder).use { files -> files.map { it.name }.toList() }

    private fun inJar(jar: JarFile): List<String> = jar.entries().asSequence().map { it.name }.filter { it.startsWith("$folder/") }
        .map { it.removePrefix("$folder/") }.filter { it.isNotEmpty() && '/' !in it }.toList()
}
