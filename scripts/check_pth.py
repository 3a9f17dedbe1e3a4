#!/usr/bin/python3
"""Checks fsdfm-export against PyTorch, outside the tests.

    scripts/check_pth.py [FSDFM_EXPORT]     (default: builds it with go)

What leaves as a checkpoint is loaded by torch.load (with and without
weights_only) into a network with the parameter names of the FS-DFM reference by
load_state_dict(strict=True), bit-equal, and gives the reference's logits. What
this PyTorch saves, in several types and under the wrappers' names, comes in.
A pickle that would run a command is refused and runs nothing.
"""

import json
import os
import subprocess
import sys
import tempfile

import torch
import torch.nn.functional as F
from torch import nn

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import reference

ROOT = os.path.dirname(HERE)
MICRO = os.path.join(ROOT, "checkpoints/pth/testdata/pretrain_micro.pth")
TINY = os.path.join(ROOT, "checkpoints/pth/testdata/distill_tiny.pth")
GOLDEN = os.path.join(ROOT, "cmd/fsdfm-export/testdata/pth.safetensors")
TOLERANCE = 1e-5  # of the largest logit: what float32 keeps


class Fuser(nn.Module):
    """A layer before which stands silu(Linear(2C -> C)) of the condition."""

    def fuse(self, width, out):
        self.condition_fuser = nn.Linear(width, out)
        return self

    def forward(self, x, cond, *rest):
        return super().forward(x, F.silu(self.condition_fuser(cond)), *rest)


class FusedBlock(Fuser, reference.Block):
    pass


class FusedOutput(Fuser, reference.Output):
    pass


class Network(reference.Network):
    """The network of the reference: a student fuses the embeddings of t and h."""

    def __init__(self, config):
        super().__init__(config)
        width, cond, heads, vocab = (config[k] for k in ("hidden_size", "cond_dim", "n_heads", "vocab_size"))
        self.rotary_emb = nn.Module()
        head = width // heads
        self.rotary_emb.register_buffer("inv_freq", 10000 ** -(torch.arange(0, head, 2).float() / head))
        if self.dt_embedding is not None:
            self.time_condition_fuser = nn.Linear(2 * cond, 2 * cond)
            self.blocks = nn.ModuleList(FusedBlock(width, cond, heads).fuse(2 * cond, cond) for _ in self.blocks)
            self.output_layer = FusedOutput(width, cond, vocab).fuse(2 * cond, cond)

    @torch.inference_mode()
    def forward(self, x, t, h):
        if self.dt_embedding is None:
            return super().forward(x, t, h)
        both = torch.cat([self.time_embedding(t), self.dt_embedding(h)], -1)
        cond, x = F.silu(self.time_condition_fuser(both)), self.vocab_embed(x)
        for block in self.blocks:
            x = block(x, cond, self.rotary)
        return self.output_layer(x, cond)


def tokenizer(folder, vocab):
    """Writes a tokenizer.json of so many characters."""
    path = os.path.join(folder, f"tokenizer{vocab}.json")
    with open(path, "w") as f:
        json.dump({"format": "fsdfm-tokenizer-1", "type": "char", "characters": "".join(chr(65 + i) for i in range(vocab - 1))}, f)
    return path


class Command:
    def __init__(self, program, folder):
        self.program, self.folder, self.n = program, folder, 0

    def fails(self, *args):
        """The command's error, None if there is none."""
        done = subprocess.run([self.program, *args], capture_output=True, text=True)
        return None if done.returncode == 0 else done.stderr

    def __call__(self, *args):
        """Runs the command with a new target, which it returns."""
        self.n += 1
        target = os.path.join(self.folder, f"out{self.n}")
        error = self.fails("-to", target, *args)
        if error:
            sys.exit(f"{' '.join(args)}: {error}")
        return target

    def imports(self, path, vocab, *args):
        return self("-from", path, "-tokenizer", tokenizer(self.folder, vocab), *args)


def check(ok, what):
    print("ok  " if ok else "FAIL", what)
    check.failed |= not ok


check.failed = False


def near(got, want):
    return (got - want).abs().max() <= TOLERANCE * want.abs().max()


def going_out(command):
    """Checkpoints of ours in PyTorch."""
    golden = reference.read_safetensors(GOLDEN)
    for path, key, weights, logits, outs in (
        (MICRO, "model", "ema", "out/pretrain_logits", ["model"]),
        (TINY, "teacher_model", "pretrained", "out/distill_teacher_logits", ["model"]),
        (TINY, "student_model", "student", "out/distill_student_logits", ["student_model", "student_ema_model"]),
        (TINY, "student_ema_model", "ema", "out/distill_ema_logits", ["student_model", "student_ema_model"]),
    ):
        original = torch.load(path, map_location="cpu")[key]
        vocab, width = original["vocab_embed.weight"].shape
        folder = command.imports(path, vocab, "-weights", weights, "-length", "8" if path == MICRO else "16")
        out = command("-from", folder, "-format", "pth")
        with open(os.path.join(folder, "config.json")) as f:
            network = Network(json.load(f))
        for name in outs:
            for safe in (False, True):
                state = torch.load(out, weights_only=safe)[name]
                network.load_state_dict(state, strict=True)
                equal = list(state) == list(original) and all(torch.equal(state[k], original[k]) for k in original)
                check(equal, f"{name} from {key}: strict, bit-equal, weights_only={safe}")
        if path == MICRO:
            got = network(golden["in/micro_x_t"], torch.tensor([0.5]), None)
        else:
            got = network(golden["in/x_t"], golden["in/t"], golden["in/dt"])
        check(near(got, golden[logits]), f"{logits} by PyTorch from our checkpoint of {key}")
        half = torch.load(command("-from", folder, "-format", "pth", "-dtype", "bf16"))[outs[0]]
        check(all(torch.equal(half[k], v.bfloat16() if v.dim() > 1 else v) for k, v in original.items()), f"{key} in bf16")


def same(folder, state):
    """Whether a model folder holds the values of a state dictionary."""
    tensors = reference.read_safetensors(os.path.join(folder, "model.safetensors"))
    return set(tensors) == set(state) and all(torch.equal(tensors[k], v.float()) for k, v in state.items())


def coming_in(command):
    """Checkpoints of this PyTorch here."""
    state = torch.load(MICRO, map_location="cpu")["model"]
    path = os.path.join(command.folder, "saved.pth")
    for what, saved in {
        "a state dictionary alone": state,
        "bf16": {"model": {k: v.bfloat16() for k, v in state.items()}},
        "fp16": {"model": {k: v.half() for k, v in state.items()}},
        "the wrappers' names": {"model": {"module._orig_mod." + k: v for k, v in state.items()}},
        "tensors that are parts of one storage": {"model": parts(state)},
        "unknown groups": {"scaler": {"scale": 65536.0, "none": None, "list": [1, True]}, "model": state, "name": "x"},
    }.items():
        torch.save(saved, path)
        values = saved.get("model", saved)
        folder = command.imports(path, 5, "-length", "8")
        check(same(folder, {k.replace("module._orig_mod.", ""): v for k, v in values.items()}), f"import of {what}")

    class Command:
        def __reduce__(self):
            return os.system, (f"touch {path}.ran",)

    torch.save({"model": state, "extra": Command()}, path)
    error = command.fails("-from", path, "-to", path + ".out")
    check(error is not None and "system" in error and not os.path.exists(path + ".ran"), f"refused: {(error or '').strip()[:110]}...")


def parts(state):
    """The same values as views of one tensor."""
    flat = torch.cat([v.flatten() for v in state.values()])
    views, at = {}, 0
    for k, v in state.items():
        views[k] = flat[at : at + v.numel()].view(v.shape)
        at += v.numel()
    return views


def main():
    with tempfile.TemporaryDirectory() as folder:
        program = sys.argv[1] if len(sys.argv) > 1 else os.path.join(folder, "fsdfm-export")
        if len(sys.argv) == 1:
            subprocess.run(["go", "build", "-o", program, "./cmd/fsdfm-export"], cwd=ROOT, check=True)
        command = Command(os.path.abspath(program), folder)
        print("PyTorch", torch.__version__)
        going_out(command)
        coming_in(command)
    sys.exit(check.failed)


if __name__ == "__main__":
    main()
