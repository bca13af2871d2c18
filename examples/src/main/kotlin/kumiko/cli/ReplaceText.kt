package kumiko.cli

import java.nio.file.Files
import java.nio.file.Path
import java.nio.file.StandardCopyOption

/** Makes [text] the whole content of this file, or leaves the file as it was. */
internal fun Path.replaceText(text: String) {
    val folder = toAbsolutePath().parent
    if (!Files.isDirectory(folder)) refuse("$this: there is no folder $folder to write it in")
    if (Files.isDirectory(this)) refuse("$this: is a folder; name the file to write")
    val partial = Files.createTempFile(folder, ".$fileName.", ".partial")
    try {
        Files.writeString(partial, text)
        Files.move(partial, this, StandardCopyOption.ATOMIC_MOVE)
    } finally {
        Files.deleteIfExists(partial)
    }
}
