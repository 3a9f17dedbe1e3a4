#!/usr/bin/python3
"""The PyTorch side of scripts/bench_vs_pytorch.sh.

The same network, losses, AdamW and sampler as fsdfm, written from the formulas
of arXiv 2509.20624 the way a careful PyTorch user would write them. It reads
one JSON request a line from stdin and answers each with one JSON line:

  {"op": "versions"}              {"torch": .., "threads": .., "simd": .., "blas": [..]}
  {"op": "open", "config": {..}, "batch": 8, "weights": FILE, "inputs": FILE}
                                  the same, with a network made
  {"op": "loss"}                  {"losses": [..]} of the inputs
  {"op": "losses", "steps": 3}    {"losses": [..], "norms": [..]} of updates on the inputs
  {"op": "train"}                 {"seconds": ..} of one pretraining step
  {"op": "forward"}               {"seconds": ..} of one pass without gradients
  {"op": "sample", "steps": 8}    {"seconds": ..} of one run from noise to tokens
  {"op": "attention", "batch": 8, "length": 256, "heads": 4, "head": 64, "backward": false}
                                  {"seconds": ..} of attention alone

config is model.Config as fsdfm writes it. Letters: B rows, L positions, V
tokens, D width, C condition size, H heads.
"""

import json
import math
import os
import struct
import sys
import time

import torch
import torch.nn.functional as F
from torch import nn

FREQUENCIES = 256  # width of the sinusoidal time features

# As in optim.DefaultConfig and train.DefaultConfig.
LR, BETAS, EPS, WEIGHT_DECAY, CLIP, EMA_DECAY = 1e-3, (0.9, 0.95), 1e-8, 0.03, 1.0, 0.999


def read_safetensors(path):
    """Reads name -> tensor from a file of F32 and I64 tensors, without a copy."""
    dtypes = {"F32": torch.float32, "I64": torch.int64}
    size = os.path.getsize(path)
    data = torch.from_file(path, shared=False, size=size, dtype=torch.uint8)
    (length,) = struct.unpack("<Q", bytes(data[:8].tolist()))
    header = json.loads(bytes(data[8 : 8 + length].tolist()))
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = (8 + length + offset for offset in entry["data_offsets"])
        tensors[name] = data[start:end].view(dtypes[entry["dtype"]]).view(entry["shape"])
    return tensors


class Norm(nn.Module):
    """LayerNorm without a bias, then the modulation: norm(x)*(1+scale)+shift."""

    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x, shift, scale):
        return F.layer_norm(x, self.weight.shape, self.weight) * (1 + scale) + shift


class TimeEmbedding(nn.Module):
    """Linear, SiLU, Linear of the sinusoid of t, cosines first."""

    def __init__(self, cond):
        super().__init__()
        self.mlp = nn.Sequential(nn.Linear(FREQUENCIES, cond), nn.SiLU(), nn.Linear(cond, cond))
        half = FREQUENCIES // 2
        frequencies = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float64) / half)
        self.register_buffer("frequencies", frequencies, persistent=False)

    def forward(self, t):  # [B] -> [B, C]
        angles = t.double()[:, None] * self.frequencies
        return self.mlp(torch.cat([angles.cos(), angles.sin()], -1).float())


class Rotary:
    """Turns the half-split pairs of queries and keys by their position, base 10,000."""

    def __init__(self, length, head):
        frequencies = 10000 ** (-torch.arange(0, head, 2, dtype=torch.float64) / head)
        angles = torch.outer(torch.arange(length, dtype=torch.float64), frequencies)
        self.cos, self.sin = (torch.cat([x, x], -1).float() for x in (angles.cos(), angles.sin()))

    def __call__(self, x):  # [B, H, L, head]
        a, b = x.chunk(2, -1)
        return x * self.cos + torch.cat([-b, a], -1) * self.sin


def attention(q, k, v):
    """Full softmax attention, [B, H, L, head]."""
    scores = (q * (q.shape[-1] ** -0.5)) @ k.transpose(-1, -2)
    return scores.softmax(-1) @ v


class Block(nn.Module):
    def __init__(self, width, cond, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = Norm(width), Norm(width)
        self.qw, self.kw, self.vw, self.attn_out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))
        self.adaLN_modulation = nn.Linear(cond, 6 * width)

    def forward(self, x, cond, rotary):  # x [B, L, D], cond [B, C]
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(cond)[:, None].chunk(6, -1)
        h = self.norm1(x, shift1, scale1)
        q, k, v = (w(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for w in (self.qw, self.kw, self.vw))
        h = attention(rotary(q), rotary(k), v).transpose(1, 2).flatten(2)
        x = x + gate1 * self.attn_out(h)
        return x + gate2 * self.mlp(self.norm2(x, shift2, scale2))


class Output(nn.Module):
    def __init__(self, width, cond, vocab):
        super().__init__()
        self.norm_final = Norm(width)
        self.linear = nn.Linear(width, vocab)
        self.adaLN_modulation = nn.Linear(cond, 2 * width)

    def forward(self, x, cond):
        shift, scale = self.adaLN_modulation(cond)[:, None].chunk(2, -1)
        return self.linear(self.norm_final(x, shift, scale))


class Network(nn.Module):
    """Logits [B, L, V] of tokens x at times t; a step-aware one adds the embedding of h."""

    def __init__(self, config):
        super().__init__()
        width, cond, heads, vocab = (config[k] for k in ("hidden_size", "cond_dim", "n_heads", "vocab_size"))
        self.vocab_embed = nn.Embedding(vocab, width)
        self.time_embedding = TimeEmbedding(cond)
        self.dt_embedding = TimeEmbedding(cond) if config["step_aware"] else None
        self.blocks = nn.ModuleList(Block(width, cond, heads) for _ in range(config["n_blocks"]))
        self.output_layer = Output(width, cond, vocab)
        self.rotary = Rotary(config["length"], width // heads)

    def forward(self, x, t, h):
        cond = self.time_embedding(t)
        if self.dt_embedding is not None:
            cond = cond + self.dt_embedding(h)
        cond, x = F.silu(cond), self.vocab_embed(x)
        for block in self.blocks:
            x = block(x, cond, self.rotary)
        return self.output_layer(x, cond)


def draw(weights):
    """One index a row, in proportion to its weights [N, V]; torch.multinomial takes ten times as long."""
    sums = weights.cumsum(-1)
    return torch.searchsorted(sums, torch.rand(len(sums), 1) * sums[:, -1:]).squeeze(1).clamp_(max=weights.shape[1] - 1)


class Side:
    """One network, its optimizer and its fixed inputs."""

    def __init__(self, config, batch, weights, inputs):
        self.shape, self.vocab = (batch, config["length"]), config["vocab_size"]
        self.network = Network(config)
        self.network.load_state_dict(read_safetensors(weights))
        self.inputs = read_safetensors(inputs)
        self.optimizer = self.ema = None

    def update(self, xt, x1, t, h):
        """Forward, backward, clip, AdamW and EMA on one batch."""
        if self.optimizer is None:
            self.parameters = list(self.network.parameters())
            # foreach: a third of the time of the default
            self.optimizer = torch.optim.AdamW(self.parameters, LR, BETAS, EPS, WEIGHT_DECAY, foreach=True)
            self.ema = [p.detach().clone() for p in self.parameters]
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.network(xt, t, h)
        loss = F.cross_entropy(logits.view(-1, self.vocab), x1.view(-1))
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.parameters, CLIP)
        self.optimizer.step()
        with torch.no_grad():
            for e, p in zip(self.ema, self.parameters):
                e.lerp_(p, 1 - EMA_DECAY)
        return loss, norm

    @torch.inference_mode()
    def loss(self):
        i = self.inputs
        logits = self.network(i["xt"], i["t"], i["h"])
        return {"losses": [float(F.cross_entropy(logits.view(-1, self.vocab), i["x1"].view(-1)))]}

    def losses(self, steps):
        i = self.inputs
        results = [self.update(i["xt"], i["x1"], i["t"], i["h"]) for _ in range(steps)]
        return {"losses": [float(loss) for loss, _ in results], "norms": [float(norm) for _, norm in results]}

    def train(self):
        """A pretraining step: t uniform, x_t from the path of a uniform source."""
        started = time.perf_counter()
        t, x1 = torch.rand(self.shape[0]), self.inputs["x1"]
        noise = torch.randint(self.vocab, self.shape)
        xt = torch.where(torch.rand(self.shape) < 1 - t[:, None], noise, x1)
        loss, _ = self.update(xt, x1, t, torch.zeros_like(t))
        loss.item()
        return {"seconds": time.perf_counter() - started}

    @torch.inference_mode()
    def forward(self):
        i, started = self.inputs, time.perf_counter()
        self.network(i["xt"], i["t"], i["h"])
        return {"seconds": time.perf_counter() - started}

    @torch.inference_mode()
    def sample(self, steps):
        """Cumulative scale, linear scheduler: jumps, then one draw from the posterior."""
        started = time.perf_counter()
        x, h = torch.randint(self.vocab, self.shape), 1 / steps
        for step in range(steps):
            t = step * h
            rows = torch.full(self.shape[:1], t), torch.full(self.shape[:1], h)
            posterior = self.network(x, *rows).softmax(-1).view(-1, self.vocab)
            if step == steps - 1:
                x = draw(posterior).view(self.shape)
                break
            hazard = math.log((1 - t) / (1 - t - h))
            tokens = x.view(-1, 1)
            away = 1 - posterior.gather(1, tokens).squeeze(1)
            jumps = (torch.rand_like(away) < -torch.expm1(-hazard * away)).nonzero().squeeze(1)
            moving = posterior[jumps].scatter_(1, tokens[jumps], 0)
            x = x.flatten().index_copy(0, jumps, draw(moving)).view(self.shape)
        x.sum().item()
        return {"seconds": time.perf_counter() - started}


def time_attention(batch, length, heads, head, backward):
    q, k, v, dout = (torch.randn(batch, heads, length, head) for _ in range(4))
    if not backward:
        with torch.inference_mode():
            started = time.perf_counter()
            attention(q, k, v)
            return {"seconds": time.perf_counter() - started}
    out = attention(*(x.requires_grad_() for x in (q, k, v)))
    started = time.perf_counter()
    torch.autograd.grad(out, (q, k, v), dout)
    return {"seconds": time.perf_counter() - started}


def versions():
    config = torch.__config__.show()
    simd = config.split("CPU capability usage:")[1].split()[0] if "CPU capability usage:" in config else "?"
    with open("/proc/self/maps") as maps:
        blas = sorted({os.path.realpath(line.split()[-1]) for line in maps if "blas" in line})
    return {"torch": torch.__version__, "threads": torch.get_num_threads(), "simd": simd, "blas": blas}


def main():
    torch.manual_seed(1)
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    side = None
    for line in sys.stdin:
        request = json.loads(line)
        op = request.pop("op")
        if op == "open":
            side = Side(**request)
            answer = versions()
        elif op == "versions":
            answer = versions()
        elif op == "attention":
            answer = time_attention(**request)
        else:
            answer = getattr(side, op)(**request)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
