package kumiko.cli.text

import kotlinx.serialization.SerializationException
import kotlinx.serialization.json.Json
import kotlinx.serialization.json.JsonArray
import kotlinx.serialization.json.JsonElement
import kotlinx.serialization.json.JsonNull
import kotlinx.serialization.json.JsonObject
import kotlinx.serialization.json.JsonPrimitive
import kotlinx.serialization.json.booleanOrNull
import kotlinx.serialization.json.contentOrNull
import kotlinx.serialization.json.intOrNull
import kumiko.cli.Refusal
import java.io.IOException
import java.nio.file.Files
import java.nio.file.Path

/**
 * What the JSON files beside a checkpoint say about the beginning and the end of a text.
 *
 * @property ids end-of-sequence ids, from `generation_config.json` and `config.json`
 * @property named end-of-sequence tokens by their text, from `tokenizer_config.json` and `special_tokens_map.json`
 * @property addsBeginning `add_bos_token`; null where nothing is said
 */
internal data class EndsOfText(val ids: Set<Int>, val named: Set<String>, val addsBeginning: Boolean?) {
    /** A model that writes the beginning of a text has finished the one before. */
    fun stops(beginning: List<Int>, own: List<Int>): Set<Int> = ids + own + beginning

    companion object {
        fun read(folder: Path): EndsOfText {
            val (generation, config, tokenizer, specials) =
                listOf("generation_config.json", "config.json", "tokenizer_config.json", "special_tokens_map.json")
                    .map { objectIn(folder.resolve(it)) }
            return EndsOfText(
                ids = (idsIn(generation["eos_token_id"]) + idsIn(config["eos_token_id"])).toSet(),
                named = listOfNotNull(textIn(tokenizer["eos_token"]), textIn(specials["eos_token"])).toSet(),
                addsBeginning = (tokenizer["add_bos_token"] as? JsonPrimitive)?.booleanOrNull,
            )
        }

        private fun objectIn(file: Path): JsonObject {
            if (!Files.isRegularFile(file)) return JsonObject(emptyMap())
            val element = try {
                Json.parseToJsonElement(Files.readString(file))
            } catch (e: SerializationException) {
                throw Refusal("$file: not valid JSON (${e.message?.lineSequence()?.first()})")
            } catch (e: IOException) {
                throw Refusal("$file: cannot be read (${e.message})")
            }
            return element as? JsonObject ?: throw Refusal("$file: holds no JSON object")
        }

        /** One id or a list of them. */
        private fun idsIn(element: JsonElement?): List<Int> = when (element) {
            is JsonPrimitive -> listOfNotNull(element.intOrNull)
            is JsonArray -> element.flatMap(::idsIn)
            is JsonObject, null -> emptyList()
        }

        /** A token's text, or an object with it as its content. */
        private fun textIn(element: JsonElement?): String? = when (element) {
            JsonNull, null, is JsonArray -> null
            is JsonPrimitive -> element.contentOrNull
            is JsonObject -> textIn(element["content"])
        }
    }
}
