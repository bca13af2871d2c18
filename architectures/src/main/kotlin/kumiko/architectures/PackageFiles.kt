package kumiko.architectures

import java.nio.file.Files
import java.nio.file.Path
import java.util.jar.JarFile
import kotlin.io.path.name

/** The files that this package is made of, in a folder or in a jar: how maps and models are found without a list. */
internal object PackageFiles {
    private val home = PackageFiles::class.java

    /** Their names, sorted. */
    val names: List<String> by lazy {
        val folder = home.packageName.replace('.', '/')
        val place = Path.of(home.protectionDomain.codeSource.location.toURI())
        (if (Files.isDirectory(place)) inFolder(place.resolve(folder)) else inJar(place, "$folder/")).sorted()
    }

    fun text(name: String): String = home.getResourceAsStream(name)!!.use { it.readAllBytes().decodeToString() }

    private fun inFolder(folder: Path): List<String> = Files.list(folder).use { files -> files.map { it.name }.toList() }

    /** Read as the class path reads it: a file system over the jar would cost a command a quarter of its start. */
    private fun inJar(jar: Path, folder: String): List<String> = JarFile(jar.toFile()).use { file ->
        file.entries().asSequence().map { it.name }.filter { it.startsWith(folder) }.map { it.removePrefix(folder) }
            .filter { it.isNotEmpty() && '/' !in it }.toList()
    }
}
