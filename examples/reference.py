#!/usr/bin/env python3
"""Writes a reference for `kumiko parity` from a Hugging Face causal language model.

    python examples/reference.py CHECKPOINT OUT --ids 1,2,3 --ids 7 --tokens 16
    examples/kumiko parity CHECKPOINT OUT

Needs torch, transformers and safetensors. Nothing is fetched: CHECKPOINT is a local directory. The model runs with forward hooks
once in float32, which is the reference, and once in float64, which says how much of it is rounding: the tolerance of a tensor is
ten times the difference of the two, rounded up to one digit.

OUT gets input.json (the sequences), expected.safetensors (seqN.TENSOR) and reference.json (the tolerances):

    hidden.embed, hidden.N            [T, H]              input of the first block, output of block N
    layerN.q, layerN.k                [heads, T, size]    as they enter the scores: after rotary embedding, keys not repeated
    layerN.attn_probs                 [heads, T, keys]
    layerN.attn_out, layerN.mlp_out   [T, H]
    final_norm, logits                [T, H], [T, V]
    generated, generated_logits       [tokens], [tokens, V]    greedy continuation and the logits that chose it
"""
import argparse
import json
import math
import os
import pathlib
import shutil
import sys
import tempfile

import torch
import transformers
from safetensors.torch import save_file
from transformers.masking_utils import ALL_MASK_ATTENTION_FUNCTIONS
from transformers.modeling_utils import ALL_ATTENTION_FUNCTIONS

ATTENTION = "kumiko_recorded"
FEED_FORWARD = ("mlp", "feed_forward", "ffn")


def first(output):
    """Modules return a tensor, or a tuple that begins with it."""
    return output[0] if isinstance(output, tuple) else output


class Recorder:
    """Keeps what passes the hooks of one run, for the only sequence of the batch."""

    def __init__(self, model):
        self.seen = {}
        self.layer_of = {}
        self.layers = find_layers(model)
        for number, layer in enumerate(self.layers):
            for module in layer.modules():
                self.layer_of[module] = number
            layer.register_forward_hook(lambda module, args, output, n=number: self.keep(f"hidden.{n}", first(output)))
            find_feed_forward(layer).register_forward_hook(
                lambda module, args, output, n=number: self.keep(f"layer{n}.mlp_out", first(output))
            )
        self.layers[0].register_forward_pre_hook(self.embedded, with_kwargs=True)
        model.get_output_embeddings().register_forward_pre_hook(lambda module, args: self.keep("final_norm", args[0]))
        self.hooked = set()

    def embedded(self, module, args, kwargs):
        self.keep("hidden.embed", args[0] if args else kwargs["hidden_states"])

    def keep(self, name, tensor):
        self.seen[name] = tensor[0].detach().clone()

    def attention(self, module, query, key, value, attention_mask, scaling=None, dropout=0.0, **kwargs):
        """softmax(scaling * q k^T + mask) v, as transformers computes it eagerly; keeps q, k and the probabilities."""
        number = self.layer_of[module]
        if module not in self.hooked:
            # The output projection lies behind this function but inside its module.
            self.hooked.add(module)
            module.register_forward_hook(lambda m, args, output, n=number: self.keep(f"layer{n}.attn_out", first(output)))
        self.keep(f"layer{number}.q", query)
        self.keep(f"layer{number}.k", key)
        groups = query.shape[1] // key.shape[1]
        keys, values = (x.repeat_interleave(groups, dim=1) for x in (key, value))
        scale = scaling if scaling is not None else query.shape[-1] ** -0.5
        scores = torch.matmul(query, keys.transpose(2, 3)) * scale
        if attention_mask is not None:
            scores = scores + attention_mask[..., : scores.shape[-1]]
        probabilities = torch.softmax(scores, dim=-1)
        self.keep(f"layer{number}.attn_probs", probabilities)
        return torch.matmul(probabilities, values).transpose(1, 2).contiguous(), probabilities


def find_layers(model):
    count = model.config.num_hidden_layers
    found = [m for m in model.modules() if isinstance(m, torch.nn.ModuleList) and len(m) == count]
    if not found:
        sys.exit(f"{type(model).__name__} has no list of {count} blocks; this script does not know its structure")
    return found[0]


def find_feed_forward(layer):
    for name, module in layer.named_children():
        if name in FEED_FORWARD:
            return module
    names = ", ".join(name for name, _ in layer.named_children())
    sys.exit(f"a block has {names}, but none of {', '.join(FEED_FORWARD)}; add the name of its feed-forward module to this script")


def register(recorder):
    ALL_ATTENTION_FUNCTIONS.register(ATTENTION, recorder.attention)
    ALL_MASK_ATTENTION_FUNCTIONS.register(ATTENTION, ALL_MASK_ATTENTION_FUNCTIONS["eager"])


@torch.no_grad()
def run(folder, dtype, sequences, tokens, force=None):
    """All tensors of all sequences. With `force` the continuations are given, so that both runs see the same tokens."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True, attn_implementation="eager")
    model.eval()
    recorder = Recorder(model)
    register(recorder)
    model.set_attn_implementation(ATTENTION)
    # The hook behind an attention module is set while it first runs, so that run is not one that counts.
    model(torch.tensor([sequences[0][:1]]), use_cache=False)
    results, margin = {}, math.inf
    for number, ids in enumerate(sequences):
        recorder.seen = {}
        logits = model(torch.tensor([ids]), use_cache=False).logits[0]
        for name, tensor in {**recorder.seen, "logits": logits}.items():
            results[f"seq{number}.{name}"] = tensor
        written, chosen = [], []
        while len(written) < tokens:
            last = model(torch.tensor([ids + written]), use_cache=False).logits[0, -1]
            best = last.topk(2).values
            margin = min(margin, float(best[0] - best[1]))
            chosen.append(last)
            written.append(int(last.argmax()) if force is None else int(force[f"seq{number}.generated"][len(written)]))
        if tokens:
            results[f"seq{number}.generated"] = torch.tensor(written)
            results[f"seq{number}.generated_logits"] = torch.stack(chosen)
    return results, margin


def one_digit_up(value):
    if value == 0:
        return 1e-6
    exponent = math.floor(math.log10(value))
    return max(1e-6, float(f"{math.ceil(value / 10**exponent - 1e-9)}e{exponent}"))


def tolerances(single, double):
    differences = {}
    for name, tensor in single.items():
        short = name.split(".", 1)[1]
        # A longer text has larger rounding than the sequences alone: its logits count as logits.
        short = "logits" if short == "generated_logits" else short
        if short != "generated":
            difference = float((tensor.double() - double[name].double()).abs().max())
            differences[short] = max(differences.get(short, 0.0), difference)
    return {name: {"max_abs_f32_minus_f64": d, "suggested_atol": one_digit_up(10 * d)} for name, d in sorted(differences.items())}


def sequences_of(arguments):
    given = [[int(word) for word in text.split(",")] for text in arguments.ids or []]
    if arguments.prompt:
        tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.checkpoint, local_files_only=True)
        given += [tokenizer(text)["input_ids"] for text in arguments.prompt]
    if not given or not all(given):
        sys.exit("give at least one sequence that is not empty, with --ids 1,2,3 or --prompt TEXT")
    return given


def write(out, sequences, tokens, expected, description):
    """Complete or not at all."""
    out = pathlib.Path(out)
    if out.exists():
        sys.exit(f"{out} exists already; name a new folder")
    partial = pathlib.Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.resolve().parent))
    try:
        (partial / "input.json").write_text(json.dumps({"sequences": sequences, "max_new_tokens": tokens}) + "\n")
        save_file({name: tensor.contiguous() for name, tensor in expected.items()}, partial / "expected.safetensors")
        (partial / "reference.json").write_text(json.dumps(description, indent=1) + "\n")
        partial.chmod(0o755)
        os.replace(partial, out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description="Writes a reference for `kumiko parity` from a Hugging Face model.")
    parser.add_argument("checkpoint", help="local directory of the model")
    parser.add_argument("out", help="folder to write")
    parser.add_argument("--ids", action="append", help="token ids of a sequence, 1,2,3; may be given again")
    parser.add_argument("--prompt", action="append", help="a sequence as text; may be given again")
    parser.add_argument("--tokens", type=int, default=16, help="length of the greedy continuations (default 16)")
    arguments = parser.parse_args()
    sequences = sequences_of(arguments)
    single, margin = run(arguments.checkpoint, torch.float32, sequences, arguments.tokens)
    double, _ = run(arguments.checkpoint, torch.float64, sequences, arguments.tokens, force=single)
    description = {
        "implementation": {"library": f"transformers {transformers.__version__}", "torch": torch.__version__, "compute_dtype": "float32"},
        "min_top2_margin": margin if math.isfinite(margin) else None,
        "tolerance": tolerances(single, double),
    }
    expected = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in single.items()}
    write(arguments.out, sequences, arguments.tokens, expected, description)
    print(f"{len(expected)} tensors of {len(sequences)} sequences in {arguments.out}")


if __name__ == "__main__":
    main()
