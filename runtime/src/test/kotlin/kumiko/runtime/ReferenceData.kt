package kumiko.runtime

import java.nio.file.Files
import java.nio.file.Path

/** The folder with reference checkpoints, or null where it is absent; tests that need it are skipped then. */
val referenceData: Path? =
    System.getProperty("kumiko.reference")?.let(Path::of)?.toAbsolutePath()?.normalize()?.takeIf(Files::isDirectory)
