"""What eight bits cost a checkpoint's vectors, whatever computes them: products are rounded, all else is float64.

    python bench/peers/int8_fidelity.py FOLDER...

The last token's vector of sequences of 1 to 40 ids, against the same model unrounded. Scheme: levels and group along the
depth (0: the whole row) of weights and of activations, whether both are balanced and rotated first, as
src/kernels/wasm/assembly/parts/rotate.ts does, and whether heads of 64 values and more have their queries and keys rotated
and rounded too (parts/rounded-scores.ts). Needs torch and transformers.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import AutoModel
from transformers.models.qwen3 import modeling_qwen3

PROJECTIONS = {
    "qkv_proj": ("q_proj", "k_proj", "v_proj"),
    "o_proj": ("o_proj",),
    "gate_up_proj": ("gate_proj", "up_proj"),
    "down_proj": ("down_proj",),
}


@dataclass
class Scheme:
    name: str
    weights: tuple[int, int] | None = (127, 0)
    activations: tuple[int, int] | None = (127, 0)
    rotated: bool = True
    only: tuple[str, ...] = sum(PROJECTIONS.values(), ())
    scores: bool = False


SCHEMES = [
    Scheme("wasm/int8", scores=True),
    Scheme("wasm/int8, scores only", only=(), scores=True),
    *(Scheme(f"wasm/int8, {name} only", only=only) for name, only in PROJECTIONS.items()),
    Scheme("wasm/int8, weights only", activations=None),
    Scheme("wasm/int8, activations only", weights=None),
    Scheme("wasm/int8, activations in 16 bits", activations=(32767, 0)),
    Scheme("one step a row, not rotated", rotated=False),
    Scheme("Q8_0: one step for 32 values, not rotated", (127, 32), (127, 32), rotated=False),
    Scheme("one step for 32 values", (127, 32), (127, 32)),
    Scheme("one step for 16 values", (127, 16), (127, 16)),
    Scheme("one step for 32 weights, activations in 16 bits", (127, 32), (32767, 0)),
]


def rotate(x, block):
    """Hadamard butterflies over blocks of columns, orthonormal."""
    if block < 4:
        return x
    matrix = torch.ones(1, 1, dtype=torch.float64)
    while matrix.shape[0] < block:
        matrix = torch.cat([torch.cat([matrix, matrix], 1), torch.cat([matrix, -matrix], 1)], 0)
    return (x.unflatten(-1, (-1, block)) @ matrix / block**0.5).flatten(-2)


def rounded(x, levels, group):
    depth = x.shape[-1]
    group = group or depth
    groups = torch.nn.functional.pad(x, (0, -depth % group)).unflatten(-1, (-1, group))
    step = (groups.abs().amax(-1, keepdim=True) / levels).clamp_min(1e-300)
    return (torch.round(groups / step) * step).flatten(-2)[..., :depth]


class RoundedLinear(torch.nn.Module):
    def __init__(self, linear, scheme):
        super().__init__()
        weight = linear.weight.data
        depth = weight.shape[1]
        self.block = min(depth & -depth, 1024) if scheme.rotated else 1
        root_mean_square = (weight**2).mean(0).sqrt()
        self.balance = torch.where(root_mean_square > 0, root_mean_square, 1).sqrt() if scheme.rotated else torch.ones(depth)
        weight = rotate(weight / self.balance, self.block)
        self.weight = rounded(weight, *scheme.weights) if scheme.weights else weight
        self.activations = scheme.activations

    def forward(self, x):
        x = rotate(x * self.balance, self.block)
        return (rounded(x, *self.activations) if self.activations else x) @ self.weight.T


exact_attention = modeling_qwen3.eager_attention_forward


def rounded_attention(module, q, k, v, *args, **options):
    head_dim = q.shape[-1]
    if head_dim >= 64:
        q, k = (rounded(rotate(x, head_dim & -head_dim), 127, 0) for x in (q, k))
    return exact_attention(module, q, k, v, *args, **options)


def sequences(sinks):
    """Ids below 507; with `sinks`, the first is one of 3 to 6 (the goldens' mini-outlier)."""
    for length in (1, 2, 7, 17, 40):
        for seed in range(8):
            ids = [7 + (i * 37 * (1 + seed) + seed * 101 + length) % 500 for i in range(length)]
            yield [3 + seed % 4, *ids[1:]] if sinks else ids


def vectors(folder, scheme=None):
    model = AutoModel.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager").eval()
    for module in list(model.modules()) if scheme else []:
        for name, child in list(module.named_children()):
            if name in scheme.only:
                setattr(module, name, RoundedLinear(child, scheme))
    modeling_qwen3.eager_attention_forward = rounded_attention if scheme and scheme.scores else exact_attention
    with torch.no_grad():
        ids = sequences("outlier" in folder)
        return torch.stack([model(torch.tensor([each])).last_hidden_state[0, -1] for each in ids])


for folder in sys.argv[1:]:
    expected = vectors(folder)
    print(f"\n| {Path(folder).name} | mean 1 − cosine | worst |\n| --- | ---: | ---: |")
    for scheme in SCHEMES:
        errors = 1 - torch.nn.functional.cosine_similarity(vectors(folder, scheme), expected, 1)
        print(f"| {scheme.name} | {errors.mean():.1e} | {errors.max():.1e} |", flush=True)
