package kumiko.dsl.mapping

import kumiko.runtime.tensor.DType
import kumiko.runtime.tensor.Shape

/** One tensor of a checkpoint as the header of its file describes it; no data was read. */
data class StoredTensor(val file: String, val key: String, val dtype: DType, val shape: Shape) {
    override fun toString() = "$key $shape $dtype in $file"
}

/**
 * The keys of a checkpoint, by the file names that a map speaks of. Such a file can lie in several parts, with an index beside it;
 * its tensors then name the parts.
 */
class KeyList(
    /** The names of the map's files that were found, each with its tensors. */
    val files: Map<String, List<StoredTensor>>,
    /** In how many tensor-parallel shards the checkpoint lies; 1 where files are not sharded. */
    val shards: Int,
    /** Files that look like the map's but belong to no layer or shard of the model. */
    val strays: List<String> = emptyList(),
)
