package kumiko.runtime.checkpoint;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Shape;

/**
 * The header of a safetensors file, read and proved: 8 bytes of length, then JSON, then the data. The byte ranges of the tensors cover
 * the data exactly, without hole or overlap, and each is as long as its shape and type say. Source: the format description and
 * {@code Metadata::validate} of huggingface/safetensors.
 */
record SafetensorsHeader(List<TensorEntry> entries, Map<String, String> metadata) {
  /** The library's own limit on the length of a header. */
  static final long MAX_HEADER_BYTES = 100_000_000;

  static final String METADATA_KEY = "__metadata__";

  static SafetensorsHeader read(MappedFile file) {
    long length = length(file);
    long dataStart = 8 + length;
    Parser parser = new Parser(file, dataStart, new JsonReader(file.path(), "header", file.slice(8, length)));
    parser.read();
    provePacked(file, parser.entries, dataStart);
    return new SafetensorsHeader(List.copyOf(parser.entries), Collections.unmodifiableMap(parser.metadata));
  }

  private static long length(MappedFile file) {
    if (file.size() < 8) {
      throw file.damaged("it has " + file.size() + " bytes", "8 bytes of header length, a header, and data");
    }
    long length = file.signedLong(0);
    if (length < 0 || length > MAX_HEADER_BYTES) {
      throw file.damaged(
          "its first 8 bytes give a header length of " + Long.toUnsignedString(length), "at most " + MAX_HEADER_BYTES + " bytes of header");
    }
    if (length > file.size() - 8) {
      throw file.damaged(
          "the header should be " + length + " bytes long, but only " + (file.size() - 8) + " bytes follow its length",
          "a header inside the file");
    }
    return length;
  }

  private static void provePacked(MappedFile file, List<TensorEntry> entries, long dataStart) {
    List<TensorEntry> placed = new ArrayList<>(entries);
    placed.sort((a, b) -> a.position() == b.position() ? Long.compare(a.bytes(), b.bytes()) : Long.compare(a.position(), b.position()));
    long end = dataStart;
    String previous = "the header";
    for (TensorEntry entry : placed) {
      if (entry.position() != end) {
        String how = entry.position() < end ? "overlaps " : "leaves a hole of " + (entry.position() - end) + " bytes after ";
        throw file.damaged(
            "tensor \"" + entry.name() + "\" at byte " + (entry.position() - dataStart) + " of the data " + how + previous,
            "tensors one after the other");
      }
      end += entry.bytes();
      previous = "tensor \"" + entry.name() + "\"";
    }
    if (end != file.size()) {
      throw file.damaged((file.size() - end) + " bytes follow the last tensor", "the file to end with its last tensor");
    }
  }

  private static final class Parser {
    private final MappedFile file;
    private final long dataStart;
    private final JsonReader json;
    private final List<TensorEntry> entries = new ArrayList<>();
    private final Map<String, String> metadata = new LinkedHashMap<>();

    Parser(MappedFile file, long dataStart, JsonReader json) {
      this.file = file;
      this.dataStart = dataStart;
      this.json = json;
    }

    void read() {
      json.object(
          name -> {
            if (name.equals(METADATA_KEY)) {
              json.object(key -> metadata.put(key, json.string()));
            } else {
              entries.add(new Fields(name).read());
            }
          });
      json.end();
    }

    /** The three fields of one tensor. */
    private final class Fields {
      private final String name;
      private final List<Long> shape = new ArrayList<>();
      private final List<Long> offsets = new ArrayList<>();
      private String type;
      private boolean shaped;

      Fields(String name) {
        this.name = name;
      }

      TensorEntry read() {
        json.object(
            key -> {
              switch (key) {
                case "dtype" -> type = json.string();
                case "shape" -> {
                  shaped = true;
                  json.array(() -> shape.add(json.integer()));
                }
                case "data_offsets" -> json.array(() -> offsets.add(json.integer()));
                default -> throw problem("has an unknown field \"" + key + "\"", "dtype, shape and data_offsets");
              }
            });
        if (type == null || !shaped || offsets.size() != 2) {
          throw problem("lacks a part of its description", "dtype, shape and two data_offsets");
        }
        return entry(SafetensorsTypes.parse(type).orElseThrow(this::unknownType), extents());
      }

      private TensorEntry entry(DType dtype, Shape extents) {
        long begin = offsets.get(0);
        long end = offsets.get(1);
        long dataBytes = file.size() - dataStart;
        if (begin < 0 || end < begin || end > dataBytes) {
          throw problem(
              "should lie at bytes " + begin + " to " + end + " of the data, which has " + dataBytes + " bytes", "a range inside the data");
        }
        if (end - begin != bytes(dtype, extents)) {
          throw problem(
              "is " + dtype + " " + extents + ", which takes " + bytes(dtype, extents) + " bytes, but has " + (end - begin),
              "as many bytes as type and shape take");
        }
        return TensorEntry.rowMajor(name, dtype, extents, dataStart + begin);
      }

      private Shape extents() {
        try {
          return Shape.of(shape.stream().mapToLong(Long::longValue).toArray());
        } catch (IllegalArgumentException impossible) {
          throw problem("has an impossible shape: " + impossible.getMessage(), "extents that are not negative and fit 63 bits together");
        }
      }

      private long bytes(DType dtype, Shape extents) {
        try {
          return dtype.bytes(extents.elements());
        } catch (ArithmeticException overflow) {
          throw problem("is " + dtype + " " + extents + ", which takes more than 2^63 bytes", "a tensor that fits into a file");
        }
      }

      private CheckpointException unknownType() {
        if (SafetensorsTypes.isUnsupported(type)) {
          return CheckpointException.of(
              file.path(),
              "tensor \"" + name + "\" has the type " + type + ", which Kumiko cannot compute with",
              "one of " + SafetensorsTypes.known(),
              "Convert the file to one of these types");
        }
        return problem("has the unknown type \"" + type + "\"", "one of " + SafetensorsTypes.known());
      }

      private CheckpointException problem(String found, String expected) {
        return file.damaged("tensor \"" + name + "\" " + found, expected);
      }
    }
  }
}
