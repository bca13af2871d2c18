package kumiko.runtime.run;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.function.Consumer;
import kumiko.runtime.graph.Node;
import kumiko.runtime.graph.Op;
import kumiko.runtime.tensor.Rows;

/** A program bound to the memory of one session: its phases in order, and who looks at what after each. */
final class Machine {
  private record Prefix(Rows rows, int keys, KeyValueCache cache) {}

  private final Team team;
  private final Call call;
  private final Workspace work;

  /** An array, as to walk through a list may allocate. */
  private final KeyValueCache[] caches;
  private final Phase[] phases;

  /** One before each phase. */
  private final Phase[] preparations;
  private final List<List<Observation>> observations = new ArrayList<>();
  private final List<Prefix> prefixes = new ArrayList<>();

  /** The logits of the picked rows. */
  final Rows output;

  Consumer<NodeValue> onCapture;
  Consumer<NodeValue> onReplace;

  Machine(Program program, Arena arena, Call call, int slots, int keyCapacity) {
    this.team = program.team();
    this.call = call;
    work = new Workspace(arena, program, call, slots, keyCapacity);
    StepFactory factory = new StepFactory(work, program.weights());
    Plan plan = program.plan();
    List<List<Step>> steps = new ArrayList<>();
    for (int level = 0; level <= plan.levels; level++) {
      steps.add(new ArrayList<>());
      observations.add(new ArrayList<>());
    }
    for (Value value : plan.values) {
      Step step = factory.step(value);
      if (step != null) {
        steps.get(value.level).add(step);
      }
      if (value.kept) {
        observations.get(value.level).add(new Observation(value, work, program));
      }
      addPrefix(value, program);
    }
    preparations = new Phase[steps.size()];
    for (int level = 0; level < preparations.length; level++) {
      preparations[level] = new Phase(work.preparations.steps(level), call, work.parts);
    }
    phases = steps.stream().map(list -> new Phase(list.toArray(Step[]::new), call, work.parts)).toArray(Phase[]::new);
    caches = work.caches.toArray(KeyValueCache[]::new);
    output = work.rows(plan.output);
  }

  private void addPrefix(Value value, Program program) {
    List<Node> inputs = value.node.inputs();
    if (value.isCache() && value.node.op() instanceof Op.Append && inputs.size() == 3) {
      prefixes.add(new Prefix(program.weights().rows(inputs.get(2)), program.limits().prefix(), work.cache(value)));
    }
  }

  List<KeyValueCache> caches() {
    return List.of(caches);
  }

  Collection<MemorySegment> workingMemory() {
    return work.memory();
  }

  boolean isObserved() {
    return onCapture != null || onReplace != null;
  }

  /** Puts the tuned prefix in front of a new sequence. */
  void beginSequence(int slot) {
    for (Prefix p : prefixes) {
      KeyValueCache cache = p.cache;
      cache.makeRoom(slot, 0, p.keys);
      work.kernels.append(
          p.rows, cache.data(), cache.offset(slot, 0), cache.room(slot), cache.kvHeads(), cache.headDim(), 0, 0, p.keys);
    }
  }

  /** Computes what the call asks for. */
  void run() {
    synchronized (team) {
      makeRoom();
      for (int level = 0; level < phases.length; level++) {
        preparations[level].run(team);
        phases[level].run(team);
        if (isObserved()) {
          observe(observations.get(level));
        }
      }
    }
  }

  private void makeRoom() {
    for (int s = 0; s < call.sequences; s++) {
      for (KeyValueCache cache : caches) {
        cache.makeRoom(call.slot[s], call.past[s], call.total(s));
      }
    }
  }

  private void observe(List<Observation> here) {
    for (Observation observation : here) {
      observation.deliver(call, onCapture, onReplace);
    }
  }
}
