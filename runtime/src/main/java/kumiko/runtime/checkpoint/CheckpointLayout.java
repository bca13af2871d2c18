package kumiko.runtime.checkpoint;

import java.util.regex.Pattern;

/** The ways in which models are published as files of a directory, the preferred one first. */
enum CheckpointLayout {
  SAFETENSORS_SHARDS("model.safetensors.index.json", null),
  SAFETENSORS(null, "model\\.safetensors"),
  TORCH_SHARDS("pytorch_model.bin.index.json", null),
  TORCH_BIN(null, "pytorch_model\\.bin"),
  META_SHARDS(null, "consolidated\\.(?<shard>[0-9]{2})\\.pth"),
  LAYERS(null, "layer_(?<layer>[0-9]{2,3})-model_(?<shard>[0-9]{2})-model_states\\.pt"),
  RANKS(null, "mp_rank_(?<shard>[0-9]{2})_model_states\\.pt"),
  CONSOLIDATED_SAFETENSORS(null, "consolidated\\.safetensors"),
  TORCH_SINGLE(null, "model\\.(pt|pth)");

  private final String index;
  private final Pattern pattern;

  CheckpointLayout(String index, String pattern) {
    this.index = index;
    this.pattern = pattern == null ? null : Pattern.compile(pattern);
  }

  /** The name of the index file, or null where the files need none. */
  String index() {
    return index;
  }

  /** The form of the file names, or null where the index names the files. */
  Pattern pattern() {
    return pattern;
  }

  boolean hasShards() {
    return pattern.namedGroups().containsKey("shard");
  }

  boolean hasLayers() {
    return pattern.namedGroups().containsKey("layer");
  }

  /** The layouts as a reader knows them. */
  static String describe() {
    return "model.safetensors or pytorch_model.bin (each also as shards with its .index.json), consolidated.NN.pth, "
        + "layer_NN-model_NN-model_states.pt, mp_rank_NN_model_states.pt, consolidated.safetensors, model.pt, or model.pth";
  }
}
