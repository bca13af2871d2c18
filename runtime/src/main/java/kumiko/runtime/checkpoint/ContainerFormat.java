package kumiko.runtime.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;

/** Tells container formats apart by their first bytes. */
final class ContainerFormat {
  private static final int ZIP_SIGNATURE = 0x04034b50;
  private static final String LFS_POINTER = "version https://git-lfs";
  private static final int PICKLE_PROTOCOL = 0x80;

  private ContainerFormat() {}

  static TensorFile open(Path path) {
    MappedFile file = MappedFile.open(path);
    try {
      return read(file);
    } catch (RuntimeException | Error problem) {
      file.close();
      throw problem;
    }
  }

  private static TensorFile read(MappedFile file) {
    refusePointer(file);
    if (file.size() >= 4 && file.unsignedInt(0) == ZIP_SIGNATURE) {
      return TorchFile.zip(file);
    }
    boolean namedSafetensors = file.path().toString().endsWith(".safetensors");
    if (!namedSafetensors && file.size() >= 2 && file.unsignedByte(0) == PICKLE_PROTOCOL && file.unsignedByte(1) == 2) {
      return TorchFile.legacy(file);
    }
    if (namedSafetensors || (file.size() > 8 && file.unsignedByte(8) == '{')) {
      return SafetensorsFile.of(file);
    }
    throw CheckpointException.of(
        file.path(),
        "its first bytes belong to no known checkpoint format (it has " + file.size() + " bytes)",
        "a safetensors file, or a file written by torch.save",
        "Check that the download is the file itself and not an error page");
  }

  private static void refusePointer(MappedFile file) {
    byte[] mark = LFS_POINTER.getBytes(StandardCharsets.US_ASCII);
    if (file.size() >= mark.length && file.slice(0, mark.length).mismatch(MemorySegment.ofArray(mark)) == -1) {
      throw CheckpointException.of(
          file.path(), "it is a Git LFS pointer, not the file itself", "a checkpoint file", "Fetch the file with git lfs pull");
    }
  }
}
