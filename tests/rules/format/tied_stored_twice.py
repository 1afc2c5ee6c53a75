"""Cases of FMT007."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file

Written = Callable[[Path], Path]


def weight(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * 0.05


EMBEDDING, OTHER = weight(300, 64), weight(300, 64, seed=1)
SMALL, NEXT = weight(60, 32), weight(60, 32, seed=1)


def safetensors(**state: torch.Tensor) -> Written:
    def write(folder: Path) -> Path:
        named = {n.replace("__", "."): t.clone().contiguous() for n, t in state.items()}
        save_file(named, folder / "model.safetensors")
        return folder / "model.safetensors"

    return write


def pickled(**content: object) -> Written:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt")
        return folder / "model.pt"

    return write


def one_differs() -> torch.Tensor:
    changed = EMBEDDING.clone()
    changed[299, 63] += 1e-3
    return changed


CASES = (
    Case(
        "two weights",
        safetensors(embed__weight=EMBEDDING, lm_head__weight=OTHER),
        (Expected("pass", values={"weights": 2}),),
    ),
    Case(
        "a head that is the embedding",
        safetensors(embed__weight=EMBEDDING, lm_head__weight=EMBEDDING),
        (
            Expected(
                "fail",
                "note",
                "high",
                ("tensor", "lm_head.weight"),
                {"of": "embed.weight", "transposed": False, "nbytes": 76800},
                "76.8 kB are stored twice",
            ),
        ),
    ),
    Case(
        "a head that is its transpose",
        safetensors(embed__weight=EMBEDDING, lm_head__weight=EMBEDDING.T),
        (Expected("fail", values={"transposed": True}, message="the transpose of embed.weight"),),
    ),
    Case(
        "one element differs",
        safetensors(embed__weight=EMBEDDING, lm_head__weight=one_differs()),
        (Expected("pass"),),
    ),
    Case(
        "tied in one storage",
        pickled(**{"embed.weight": EMBEDDING, "lm_head.weight": EMBEDDING}),
        (Expected("pass"),),
    ),
    Case(
        "a small embedding that is much of the file",
        safetensors(embed__weight=SMALL, lm_head__weight=SMALL, fc__weight=NEXT),
        (Expected("fail", "note", values={"nbytes": 7680}),),
    ),
    Case(
        "a small embedding that is little of the file",
        safetensors(embed__weight=SMALL, lm_head__weight=SMALL, fc__weight=weight(512, 512)),
        (Expected("pass"),),
    ),
    Case(
        "it is told where it is asked for",
        safetensors(embed__weight=SMALL, lm_head__weight=SMALL, fc__weight=weight(512, 512)),
        (Expected("fail"),),
        {"min-share": 0.001},
    ),
    Case("small layers", safetensors(a__weight=SMALL, b__weight=SMALL), (Expected("pass"),)),
    Case(
        "they are told where it is asked for",
        safetensors(a__weight=SMALL, b__weight=SMALL),
        (Expected("fail"),),
        {"min-bytes": 1000},
    ),
    Case(
        "layers that began as copies of one",
        safetensors(layers__0__fc__weight=EMBEDDING, layers__1__fc__weight=EMBEDDING),
        (Expected("pass"),),
    ),
    Case(
        "an average that was not updated",
        safetensors(net__fc__weight=EMBEDDING, ema__fc__weight=EMBEDDING),
        (Expected("pass"),),
    ),
    Case(
        "sections of their own",
        pickled(model={"fc.weight": EMBEDDING}, best={"fc.weight": EMBEDDING.clone()}),
        (Expected("pass"),),
    ),
    Case(
        "masks",
        safetensors(a__weight=torch.ones(256, 256).tril(), b__weight=torch.ones(256, 256).tril()),
        (Expected("pass"),),
    ),
    Case(
        "codes",
        safetensors(a__weight=(EMBEDDING * 400).char(), b__weight=(EMBEDDING * 400).char()),
        (Expected("fail", values={"nbytes": 19200}),),
        {"min-bytes": 10000},
    ),
    Case("no weights", safetensors(norm__weight=torch.ones(8)), (Expected("not-applicable"),)),
)
