package kumiko.dsl.mapping

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.KSerializer
import kotlinx.serialization.SerializationException
import kotlinx.serialization.descriptors.PrimitiveKind
import kotlinx.serialization.descriptors.SerialDescriptor
import kotlinx.serialization.descriptors.SerialKind
import kotlinx.serialization.descriptors.StructureKind
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.longOrNull
import kumiko.dsl.spec.knownNames

/**
 * A JSON text, comments allowed, read strictly: unknown and repeated fields, missing ones and wrong words are all reported together,
 * with line and path. [file] is how errors name it.
 */
@OptIn(ExperimentalSerializationApi::class)
internal class StrictJson(val file: String, text: String) {
    val root: JsonElement = parse(file, text)
    private val lines = JsonLines(text)
    private val problems = ArrayList<TextProblem>()

    init {
        lines.duplicates.forEach { report(it, "is written twice") }
        if (root is JsonObject) throwIfAny()
    }

    fun line(path: String): Int = lines.of(path)

    fun report(path: String, message: String) {
        problems += TextProblem(lines.of(path), path, message)
    }

    fun throwIfAny() {
        if (problems.isNotEmpty()) throw textProblems(file, problems)
    }

    fun <T> decode(serializer: KSerializer<T>): T {
        check(serializer.descriptor, root, "")
        throwIfAny()
        return READER.decodeFromJsonElement(serializer, root)
    }

    /** A part of the text; null where it has mistakes, which are reported but not thrown. */
    fun <T> decodeAt(serializer: KSerializer<T>, value: JsonElement, path: String): T? {
        val before = problems.size
        check(serializer.descriptor, value, path)
        return if (problems.size == before) READER.decodeFromJsonElement(serializer, value) else null
    }

    private fun check(type: SerialDescriptor, value: JsonElement, path: String) {
        if (value is JsonNull && type.isNullable) return
        when (val kind = type.kind) {
            StructureKind.CLASS -> if (value is JsonObject) members(type, value, path) else wrong(path, "an object", value)

            StructureKind.MAP ->
                if (value is JsonObject) {
                    value.forEach { (name, v) -> check(type.getElementDescriptor(1), v, child(path, name)) }
                } else {
                    wrong(path, "an object", value)
                }

            StructureKind.LIST ->
                if (value is JsonArray) {
                    value.forEachIndexed { i, v -> check(type.getElementDescriptor(0), v, "$path[$i]") }
                } else {
                    wrong(path, "a list", value)
                }

            SerialKind.ENUM -> word(type, value, path)

            is PrimitiveKind -> primitive(kind, value, path)

            else -> Unit // a free JSON value
        }
    }

    private fun members(type: SerialDescriptor, value: JsonObject, path: String) {
        val known = (0 until type.elementsCount).map(type::getElementName)
        for ((name, v) in value) {
            val index = known.indexOf(name)
            if (index < 0) {
                report(child(path, name), "unknown field \"$name\"${knownNames(name, known)}")
            } else {
                check(type.getElementDescriptor(index), v, child(path, name))
            }
        }
        for (i in known.indices) {
            if (known[i] !in value && !type.isElementOptional(i)) report(path, "the field \"${known[i]}\" is missing")
        }
    }

    private fun word(type: SerialDescriptor, value: JsonElement, path: String) {
        val known = (0 until type.elementsCount).map(type::getElementName)
        val word = (value as? JsonPrimitive)?.takeIf { it.isString }?.content
        when {
            word == null -> wrong(path, "one of ${known.joinToString(", ")}", value)
            word !in known -> report(path, "unknown word \"$word\"${knownNames(word, known)}")
        }
    }

    private fun primitive(kind: PrimitiveKind, value: JsonElement, path: String) {
        val given = value as? JsonPrimitive
        when (kind) {
            PrimitiveKind.STRING -> if (given?.isString != true) wrong(path, "a text in quotes", value)
            PrimitiveKind.BOOLEAN -> if (given == null || given.isString || given.booleanOrNull == null) wrong(path, "true or false", value)
            else -> if (given == null || given.isString || given.longOrNull == null) wrong(path, "a whole number", value)
        }
    }

    private fun wrong(path: String, expected: String, value: JsonElement) = report(path, "expected $expected, found ${brief(value)}")

    companion object {
        private val READER = Json { allowComments = true }

        /** The tree alone: members that are written twice are not seen. */
        fun parse(file: String, text: String): JsonElement = try {
            READER.parseToJsonElement(text)
        } catch (e: SerializationException) {
            throw MappingException("$file: not valid JSON${fault(e.message.orEmpty().lineSequence().first(), text)}", e)
        }

        /** The reader names an offset; people look for a line. */
        private fun fault(message: String, text: String): String {
            val (offset, what) = Regex("""at offset (\d+): (.*?)(?: at path: .*)?$""").find(message)?.destructured ?: return ": $message"
            return " at line ${text.take(offset.toInt()).count { it == '\n' } + 1}: $what"
        }

        fun child(path: String, name: String) = if (path.isEmpty()) name else "$path.$name"

        /** A JSON value short enough for an error message. */
        fun brief(value: JsonElement): String = value.toString().let { if (it.length <= 60) it else it.take(57) + "..." }
    }
}
