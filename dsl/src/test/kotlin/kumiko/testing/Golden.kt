package kumiko.testing

import io.kotest.matchers.shouldBe
import java.nio.file.Files
import java.nio.file.Path

/**
 * Texts kept under `src/test/resources/golden` of the module under test: what prints is reviewed as a change of a file.
 * `-Dgolden.update=true` rewrites them.
 */
object Golden {
    private val update = System.getProperty("golden.update").toBoolean()

    /** [actual] is the golden text called [name], `show/gpt2-124m.txt`. */
    fun check(name: String, actual: String) {
        val file = Path.of("src/test/resources/golden", name)
        if (update) {
            Files.createDirectories(file.parent)
            Files.writeString(file, actual)
        }
        check(Files.exists(file)) { "there is no golden file $file; run the test with -Dgolden.update=true and read what it writes" }
        actual shouldBe Files.readString(file)
    }
}
