"""Cases of STG002: codes of eight bits in one weight."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from quantised_files import Made, compressed_tensors
from rule_cases import Case, Expected
from saved_as import save_as

Write = Callable[[Path], Path]
NAME = "model.layers.0.mlp.up_proj"


def int8(bits: int = 0, share: float = 1.0, *, zeros: float = 0.0, heavy: bool = False) -> Write:
    """A weight of 512 × 512 in codes, some low bits of a share of them random."""
    generator = torch.Generator().manual_seed(bits)
    weight = torch.randn(512, 512, generator=generator)
    weight = weight**3 if heavy else weight
    weight[torch.rand(512, 512, generator=generator) < zeros] = 0
    scale = weight.abs().amax(1, keepdim=True) / 127
    codes = (weight / scale).round().int()
    noise = torch.randint(0, 1 << bits, codes.shape, generator=generator)
    chosen = torch.rand(512, 512, generator=generator) < share
    codes = torch.where(chosen, (codes & -(1 << bits)) | noise, codes)
    tensors = {f"{NAME}.weight": codes.to(torch.int8), f"{NAME}.weight_scale": scale}
    config = compressed_tensors("int-quantized", 8, None, "channel", "int")
    return Made(tensors, {}, config).write


CASES = (
    Case(
        "as it was quantised",
        int8(),
        (Expected("pass", message="1 quantised weight, in none are neighbouring codes spread"),),
    ),
    *(
        Case(
            f"{bits} bits",
            int8(bits),
            (
                Expected(
                    "fail",
                    "note",
                    "medium",
                    ("tensor", f"{NAME}.weight"),
                    {"bits": bits, "elements": 512 * 512},
                    "were written over with a payload",
                ),
            ),
        )
        for bits in (2, 3, 4)
    ),
    Case("half of the codes", int8(3, 0.5), (Expected("pass"),)),
    Case("pruned", int8(zeros=0.3), (Expected("pass"),)),
    Case("heavy tails", int8(heavy=True), (Expected("pass"),)),
    Case("the limits are options", int8(3), (Expected("pass"),), {"min-deviations": 40.0}),
    Case(
        "nothing quantised",
        lambda folder: save_as({"fc.weight": torch.ones(64, 64)}, folder, "pt"),
        (Expected("not-applicable", message="codes of four or eight bits"),),
    ),
)
