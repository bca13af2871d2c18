package kumiko.runtime.checkpoint;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import kumiko.runtime.tensor.DType;
import kumiko.runtime.tensor.Shape;

/** Writes the pickle (protocol 2) of a dictionary of tensors as {@code torch.load} reads it, also with {@code weights_only=True}. */
final class PickleOutput {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

  private PickleOutput() {}

  /**
   * The dictionary, whose i-th tensor lies in storage i.
   *
   * @param parents the names of the dictionaries around it, outermost first
   */
  static byte[] stateDict(List<String> parents, List<TensorSource> tensors) {
    PickleOutput pickle = new PickleOutput();
    pickle.code(0x80).code(2);
    for (String parent : parents) {
      pickle.code('}').text(parent);
    }
    pickle.emptyOrderedDict().code('(');
    for (int i = 0; i < tensors.size(); i++) {
      pickle.text(tensors.get(i).name()).tensor(tensors.get(i), i);
    }
    pickle.code('u');
    parents.forEach(parent -> pickle.code('s'));
    return pickle.code('.').out.toByteArray();
  }

  private void tensor(TensorSource tensor, int key) {
    boolean typed = TorchTypes.storage(tensor.dtype()).isPresent();
    TensorEntry dense = TensorEntry.rowMajor(tensor.name(), tensor.dtype(), tensor.shape(), 0);
    global("torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3");
    code('(').storage(tensor, key).number(0).extents(tensor.shape()).tuple(dense.strides());
    code(0x89).emptyOrderedDict();
    if (!typed) {
      global("torch", TorchTypes.name(tensor.dtype()).orElseThrow());
    }
    code('t').code('R');
  }

  private PickleOutput storage(TensorSource tensor, int key) {
    DType type = tensor.dtype();
    code('(').text("storage");
    TorchTypes.storage(type).ifPresentOrElse(name -> global("torch", name), () -> global("torch.storage", "UntypedStorage"));
    text(Integer.toString(key)).text("cpu");
    number(TorchTypes.storage(type).isPresent() ? tensor.shape().elements() : tensor.bytes());
    return code('t').code('Q');
  }

  private PickleOutput extents(Shape shape) {
    return tuple(Arrays.stream(shape.toArray()).boxed().toList());
  }

  private PickleOutput tuple(List<Long> numbers) {
    code('(');
    numbers.forEach(this::number);
    return code('t');
  }

  private PickleOutput emptyOrderedDict() {
    return global("collections", "OrderedDict").code(')').code('R');
  }

  private PickleOutput global(String module, String name) {
    out.writeBytes(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.US_ASCII));
    return this;
  }

  private PickleOutput text(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    code('X');
    out.writeBytes(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt(bytes.length).array());
    out.writeBytes(bytes);
    return this;
  }

  private PickleOutput number(long value) {
    if (value == (int) value) {
      code('J');
      out.writeBytes(ByteBuffer.allocate(Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).putInt((int) value).array());
    } else {
      code(0x8a).code(Long.BYTES);
      out.writeBytes(ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array());
    }
    return this;
  }

  private PickleOutput code(int code) {
    out.write(code);
    return this;
  }
}
