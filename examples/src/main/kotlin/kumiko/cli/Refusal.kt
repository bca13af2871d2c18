package kumiko.cli

import kumiko.dsl.mapping.MappingException
import kumiko.dsl.spec.SpecException
import kumiko.runtime.checkpoint.CheckpointException
import kumiko.runtime.machine.SystemPropertyException
import java.io.UncheckedIOException
import java.nio.file.AccessDeniedException
import java.nio.file.FileAlreadyExistsException
import java.nio.file.FileSystemException
import java.nio.file.NoSuchFileException

/** What was asked cannot be done; [message] is the whole paragraph a user reads. */
class Refusal(override val message: String) : RuntimeException(message)

/** Refuses what a user asked for, with the one paragraph to print. */
fun refuse(message: String): Nothing = throw Refusal(message)

/** The paragraph for a failure that has its cause outside the program, null for a mistake in it. */
internal fun expectedFailure(error: Throwable): String? = when (error) {
    is Refusal, is SpecException, is MappingException, is CheckpointException, is SystemPropertyException -> error.message
    is NoSuchFileException -> "${error.file}: there is no such file"
    is AccessDeniedException -> "${error.file}: no permission"
    is FileAlreadyExistsException -> "${error.file}: exists already"
    is FileSystemException -> "${error.file}: ${error.reason ?: "the file system refused"}"
    is UncheckedIOException -> expectedFailure(error.cause!!) ?: error.cause!!.message
    else -> null
}
