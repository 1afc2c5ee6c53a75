"""A language model of many blocks, drawn."""

from __future__ import annotations

import torch
from traced_networks import Drawn, NetworkInputs


def language_model(blocks: int, size: int = 8, words: int = 20, seed: int = 0) -> NetworkInputs:
    """Blocks of attention and a gated product on one residual stream, with normal weights."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator)

    drawn = Drawn()
    x = drawn.embedding("embed", drawn.input(1, 5, name="ids"), normal(words, size))
    for block in range(blocks):
        at = f"layers.{block}"
        h = drawn.norm(f"{at}.n1", "rms", x, scale=normal(size))
        q, k, v = (drawn.linear(f"{at}.attn.{name}", h, normal(size, size)) for name in "qkv")
        mixed = drawn.attention(q, k, v, 2)
        x = drawn.add(x, drawn.linear(f"{at}.attn.o", mixed, normal(size, size)))
        h = drawn.norm(f"{at}.n2", "rms", x, scale=normal(size))
        gate = drawn.activation("silu", drawn.linear(f"{at}.mlp.gate", h, normal(2 * size, size)))
        product = drawn.multiply(gate, drawn.linear(f"{at}.mlp.up", h, normal(2 * size, size)))
        x = drawn.add(x, drawn.linear(f"{at}.mlp.down", product, normal(size, 2 * size)))
    x = drawn.norm("norm", "rms", x, scale=normal(size))
    result = drawn.linear("head", x, normal(words, size))
    return drawn.inputs(result, blocks=[f"layers.{block}" for block in range(blocks)])
