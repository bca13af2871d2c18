package kumiko.dsl.mapping

import kotlinx.serialization.SerialName
import kotlinx.serialization.Serializable
import kotlinx.serialization.json.JsonObject

/** A `*.keys.json` as it is written; [CheckpointMap] is what it means. */
@Serializable
internal class MapFile(
    val schema: String,
    val model: String,
    val sections: List<SectionFile>,
    val ignore: Map<String, String> = emptyMap(),
    val config: JsonObject? = null,
)

@Serializable
internal class SectionFile(
    val file: String,
    @SerialName("strip-prefix") val stripPrefix: String? = null,
    val inside: String? = null,
    val rules: List<RuleFile>,
)

@Serializable
internal class RuleFile(
    val from: String,
    val to: String,
    val merge: Merge? = null,
    val transpose: Boolean = false,
    val split: Split? = null,
    val rope: Rope? = null,
    val tie: String? = null,
    val optional: Boolean = false,
)

/** How the parts of one parameter in the shards of a tensor-parallel checkpoint become one tensor. */
@Serializable
enum class Merge(val word: String) {
    /** Parts below one another: a view of row ranges. */
    @SerialName("concat0") CONCAT_ROWS("concat0"),

    /** Parts beside one another: a view of column slabs. */
    @SerialName("concat1") CONCAT_COLUMNS("concat1"),

    /** The parts are added, rounded to their type; copied once. Biases of row-parallel layers. */
    @SerialName("sum") SUM("sum"),

    /** The parts nearly agree and are averaged; copied once. */
    @SerialName("mean") MEAN("mean"),

    /** The parts have equal bytes; refused otherwise. */
    @SerialName("duplicate") DUPLICATE("duplicate"),
}

/** How one stored tensor holds several parameters. */
@Serializable
enum class Split(val word: String) {
    /** All rows of the first, then all of the second, then all of the third. */
    @SerialName("thirds") THIRDS("thirds"),

    /** For every key/value head: its query rows (of all heads of the group), its key rows, its value rows. */
    @SerialName("per-head") PER_HEAD("per-head"),
}

/** How rows of a rotary head are ordered in the file. */
@Serializable
enum class Rope(val word: String) {
    /** The file has the even components of a head first, then the odd ones (Hugging Face); the parameter has them in turn. */
    @SerialName("halves-to-adjacent") HALVES_TO_ADJACENT("halves-to-adjacent"),
    ;

    /** Which component of the parameter's head each row of a head in the file is, for heads of [size] rows. */
    fun components(size: Int): IntArray = when (this) {
        HALVES_TO_ADJACENT -> IntArray(size) { if (it < size / 2) 2 * it else 2 * (it - size / 2) + 1 }
    }
}
