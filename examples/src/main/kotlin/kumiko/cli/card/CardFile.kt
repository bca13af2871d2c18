package kumiko.cli.card

import kotlinx.serialization.ExperimentalSerializationApi
import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.encodeToJsonElement
import kumiko.cli.refuse
import java.nio.file.Files
import java.nio.file.Path

/** Cards as JSON. */
internal object CardFile {
    @OptIn(ExperimentalSerializationApi::class)
    private val json = Json {
        prettyPrint = true
        prettyPrintIndent = "  "
        encodeDefaults = true
    }

    fun tree(card: Card): JsonObject = json.encodeToJsonElement(card) as JsonObject

    fun write(card: Card): String = json.encodeToString(Card.serializer(), card) + "\n"

    fun read(file: Path): Card {
        if (!Files.isRegularFile(file)) refuse("$file: there is no such file. A card is what verify --out writes.")
        if (Files.size(file) > LARGEST) refuse("$file: ${Files.size(file)} bytes are no card; the largest that is read has $LARGEST.")
        return try {
            json.decodeFromString(Card.serializer(), Files.readString(file)).also {
                if (it.schema != Card.SCHEMA) refuse("$file: is a \"${it.schema}\"; this version reads \"${Card.SCHEMA}\".")
            }
        } catch (e: SerializationException) {
            refuse("$file: is no card: ${e.message?.lineSequence()?.first()}")
        } catch (_: java.nio.charset.MalformedInputException) {
            refuse("$file: is no text in UTF-8")
        }
    }

    private const val LARGEST = 16L shl 20
}
