/**
 * Checkpoint files: reading them without copying and without trusting them, and writing them.
 *
 * <p>{@link kumiko.runtime.checkpoint.TensorFile} is one container file, {@link kumiko.runtime.checkpoint.Checkpoint} a published
 * directory of them. Whatever is wrong is a {@link kumiko.runtime.checkpoint.CheckpointException} with one paragraph to read.
 *
 * <h2>Safetensors</h2>
 *
 * <pre>
 * 8 bytes   length of the header, little endian, at most 100,000,000
 * header    JSON: {"NAME": {"dtype": "F32", "shape": [2, 3], "data_offsets": [begin, end]}, "__metadata__": {"KEY": "TEXT"}}
 * data      the tensors: offsets count from here; together they cover all of it, without hole or overlap
 * </pre>
 *
 * Names come once. {@code end - begin} is what type and shape take. The order of names is free, and no alignment is promised.
 *
 * <h2>PyTorch, zip</h2>
 *
 * A zip file of stored entries with one top folder. {@code data.pkl} is a pickle (protocol 2 to 5) of a dictionary; a tensor in it is a
 * storage, an offset, sizes and strides; {@code data/KEY} is a storage, exactly as long as the pickle says; {@code byteorder}, if
 * present, is {@code little}. Nested dictionaries and lists are joined by dots: {@code {"module": {"w": ...}}} gives {@code module.w}.
 * The pickle is read by a machine that knows tensors, dictionaries, lists, tuples, numbers and text; any other Python name is refused,
 * and nothing is ever run, unpacked, or allocated by a number that the file merely claims.
 *
 * <h2>PyTorch, before 1.6</h2>
 *
 * Five pickles one after the other (a magic number, 1001, facts about the machine, the tensors, the keys of the storages in order), then
 * for each storage 8 bytes with its count of elements, and its bytes.
 *
 * <h2>Directories</h2>
 *
 * In order of preference: {@code model.safetensors.index.json} with its shards, {@code model.safetensors}, {@code
 * pytorch_model.bin.index.json} with its shards, {@code pytorch_model.bin}, {@code consolidated.NN.pth}, {@code
 * layer_NN-model_NN-model_states.pt}, {@code mp_rank_NN_model_states.pt}, {@code consolidated.safetensors}, {@code model.pt}, {@code
 * model.pth}. Numbered shards start at 00 and leave none out; an index and its shards name the same tensors.
 *
 * <h2>Lifetime</h2>
 *
 * Tensors are views of the mapped file and live until it is closed, for all threads at once. A file that another program shortens while
 * it is mapped cannot be read safely by anyone; the writers here never do that, they put a new file in its place.
 */
package kumiko.runtime.checkpoint;
