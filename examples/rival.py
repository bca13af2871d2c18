#!/usr/bin/env python3
"""Runs a checkpoint in Kumiko and in PyTorch, by turns, and prints how many times as fast Kumiko is.

    python examples/rival.py CHECKPOINT [--prefill 512] [--decode 32] [--batch 1] [--rounds 3] [--threads N]
        [--arithmetic f32|bf16]

Needs torch, transformers and safetensors. Nothing is fetched: CHECKPOINT is a local directory in a layout that transformers reads
(llama-hf, gpt2-hf, neox-hf), or ChatGLM-6B's, for which a module of the same shapes stands below. Both compute in the type that the
weights are stored in, with as many threads. PyTorch rounds activations of bf16 weights to bf16, so Kumiko does too unless told
--arithmetic f32.

A round is one process of `examples/kumiko bench --json`, which warms up and measures once, and then one prompt and its continuation in
PyTorch, which stays loaded in this process and was warmed up before the first round. Before PyTorch loads anything Kumiko runs once unmeasured:
who reads a file first decides in how large pieces Linux keeps it, and PyTorch makes copies of its own. Both choose the largest logit, compute the logits
of the prompt's last position alone, and keep a key/value cache. Speeds are medians of the rounds.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import time

import torch
import torch.nn.functional as F
import transformers
from safetensors import safe_open
from torch import nn

KUMIKO = pathlib.Path(__file__).resolve().parent / "kumiko"
WARM_TOKENS = 8


def stored_type(folder):
    """The type of the first matrix of the checkpoint."""
    for file in sorted(folder.glob("*.safetensors")):
        with safe_open(file, "pt") as tensors:
            for key in tensors.keys():
                if len(tensors.get_slice(key).get_shape()) == 2:
                    return tensors.get_tensor(key).dtype
    for file in sorted(folder.glob("*.bin")):
        for tensor in torch.load(file, mmap=True, weights_only=True).values():
            if tensor.dim() == 2:
                return tensor.dtype
    raise SystemExit(f"{folder}: holds no .safetensors and no .bin file with a matrix in it")


class GlmBlock(nn.Module):
    """ChatGLM-6B's block: n = norm(x), x = alpha n + f(n), twice. Du et al. 2022, arXiv:2103.10360."""

    def __init__(self, config):
        super().__init__()
        width, hidden = config["hidden_size"], config["inner_hidden_size"]
        self.heads = config["num_attention_heads"]
        self.size = width // self.heads
        self.alpha = (2 * config["num_layers"]) ** 0.5
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(2))
        self.fused, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, hidden), nn.Linear(hidden, width)
        self.cache = None

    def turn(self, x, angles):
        """Rotates both halves of every head, each by its own kind of position, in pairs that lie half a half apart."""
        halves = []
        for half, (cos, sin) in zip(x.chunk(2, -1), angles):
            a, b = half.chunk(2, -1)
            halves.append(half * cos + torch.cat((-b, a), -1) * sin)
        return torch.cat(halves, -1)

    def forward(self, x, angles):
        batch, rows, width = x.shape
        normed = self.norms[0](x)
        fused = self.fused(normed).view(batch, rows, self.heads, 3 * self.size).transpose(1, 2)
        query, key, value = fused.chunk(3, -1)
        query, key = self.turn(query, angles), self.turn(key, angles)
        if rows == 1:
            key, value = torch.cat((self.cache[0], key), 2), torch.cat((self.cache[1], value), 2)
        self.cache = key, value
        mixed = F.scaled_dot_product_attention(query, key, value)
        x = self.alpha * normed + self.out(mixed.transpose(1, 2).reshape(batch, rows, width))
        normed = self.norms[1](x)
        return self.alpha * normed + self.down(F.gelu(self.up(normed), approximate="tanh"))


class Glm(nn.Module):
    """A model of ChatGLM-6B's shapes. The whole prompt is its prefix."""

    def __init__(self, config):
        super().__init__()
        self.table = nn.Embedding(config["vocab_size"], config["hidden_size"])
        self.blocks = nn.ModuleList(GlmBlock(config) for _ in range(config["num_layers"]))
        self.norm = nn.LayerNorm(config["hidden_size"])

    def forward(self, ids, past):
        size = self.blocks[0].size // 2
        rates = 10_000.0 ** (-torch.arange(0, size, 2) / size)
        axes = []
        for positions in (torch.arange(past, past + ids.shape[1]), torch.full((ids.shape[1],), past)):
            turns = torch.outer(positions.float(), rates).repeat(1, 2).to(self.table.weight.dtype)
            axes.append((turns.cos(), turns.sin()))
        x = self.table(ids)
        for block in self.blocks:
            x = block(x, axes)
        return F.linear(self.norm(x[:, -1:]), self.table.weight)


class GlmRival:
    def __init__(self, folder, config, dtype):
        torch.set_default_dtype(dtype)
        self.model = Glm(config).eval()
        torch.set_default_dtype(torch.float32)
        self.vocab = config["vocab_size"]

    def prompt(self, ids):
        self.length = ids.shape[1]
        return self.model(ids, 0)

    def more(self, ids):
        self.length += 1
        return self.model(ids, self.length - 1)


class TransformersRival:
    def __init__(self, folder, config, dtype):
        self.model = transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, local_files_only=True).eval()
        self.vocab = config["vocab_size"]

    def prompt(self, ids):
        return self.run(ids, None)

    def more(self, ids):
        return self.run(ids, self.cache)

    def run(self, ids, cache):
        output = self.model(ids, past_key_values=cache, use_cache=True, logits_to_keep=1)
        self.cache = output.past_key_values
        return output.logits


def theirs(rival, batch, prefill, decode):
    """Seconds of a prompt, and of what is written behind it."""
    generator = torch.Generator().manual_seed(1)
    ids = torch.randint(rival.vocab, (batch, prefill), generator=generator)
    with torch.inference_mode():
        start = time.perf_counter()
        logits = rival.prompt(ids)
        middle = time.perf_counter()
        for _ in range(decode):
            logits = rival.more(logits[:, -1].argmax(-1, keepdim=True))
        return middle - start, time.perf_counter() - middle


def ours(arguments):
    """What one process of bench reports."""
    command = [str(KUMIKO), "bench", str(arguments.checkpoint), "--json", "--rounds", "1", "--batch", str(arguments.batch)]
    for name in ("prefill", "decode", "threads", "arithmetic"):
        command += [f"--{name}", str(getattr(arguments, name))]
    ran = subprocess.run(command, stdout=subprocess.PIPE, text=True)
    if ran.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {ran.returncode}")
    return json.loads(ran.stdout)


def parsed():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=pathlib.Path)
    parser.add_argument("--prefill", type=int, default=512)
    parser.add_argument("--decode", type=int, default=32)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--arithmetic", choices=("f32", "bf16"), help="of Kumiko (default: bf16 for bf16 weights, else f32)")
    return parser.parse_args()


def main():
    arguments = parsed()
    torch.set_num_threads(arguments.threads)
    transformers.utils.logging.disable_progress_bar()
    config = json.loads((arguments.checkpoint / "config.json").read_text())
    dtype = stored_type(arguments.checkpoint)
    arguments.arithmetic = arguments.arithmetic or ("bf16" if dtype == torch.bfloat16 else "f32")
    ours(arguments)
    rival = (GlmRival if config["model_type"] == "chatglm" else TransformersRival)(arguments.checkpoint, config, dtype)
    theirs(rival, arguments.batch, arguments.prefill, WARM_TOKENS)
    speeds = {"ours": [], "theirs": []}
    for _ in range(arguments.rounds):
        report = ours(arguments)
        speeds["ours"].append((report["prefill"]["tokensPerSecond"], report["decode"][0]["tokensPerSecond"]))
        prompt, _ = theirs(rival, 1, arguments.prefill, 1)
        _, written = theirs(rival, arguments.batch, arguments.prefill, arguments.decode)
        speeds["theirs"].append((arguments.prefill / prompt, arguments.batch * arguments.decode / written))
    print(f"{report['model']}, {str(dtype).removeprefix('torch.')}, {arguments.threads} threads, {arguments.rounds} rounds")
    print(f"torch {torch.__version__}, transformers {transformers.__version__}; kumiko --arithmetic {arguments.arithmetic}: {report['kernels']}")
    print(f"\n{'tokens/s':<32}{'kumiko':>10}{'PyTorch':>10}{'ratio':>8}")
    rows = f"prefill {arguments.prefill}", f"decode after {arguments.prefill}, {arguments.batch} at once"
    for column, row in enumerate(rows):
        mine, other = (statistics.median(round[column] for round in speeds[side]) for side in ("ours", "theirs"))
        print(f"{row:<32}{mine:>10.1f}{other:>10.1f}{mine / other:>7.2f}x")


if __name__ == "__main__":
    main()
