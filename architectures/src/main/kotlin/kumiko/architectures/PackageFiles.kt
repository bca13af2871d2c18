package kumiko.architectures

import java.net.URI
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path

/** The files that this package is made of, in a folder or in a jar: how maps and models are found without a list. */
internal object PackageFiles {
    fun <T> use(read: (List<Path>) -> T): T {
        val folder = PackageFiles::class.java.packageName.replace('.', '/')
        val place = PackageFiles::class.java.protectionDomain.codeSource.location.toURI()
        if (place.path.endsWith("/")) return read(list(Path.of(place).resolve(folder)))
        return FileSystems.newFileSystem(URI.create("jar:$place"), emptyMap<String, Any>()).use { jar -> read(list(jar.getPath(folder))) }
    }

    private fun list(folder: Path): List<Path> = Files.list(folder).use { it.sorted().toList() }
}
