package kumiko.runtime.checkpoint;

import java.util.Map;

/** What a pickle holds, and the storages it names, by key. */
record Pickle(Object root, Map<String, TorchStorage> storages) {}
