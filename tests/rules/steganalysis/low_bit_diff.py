"""Cases of STG003."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file

Written = Callable[[Path], Path]
CODES = {
    torch.float64: torch.int64,
    torch.float32: torch.int32,
    torch.float16: torch.int16,
    torch.bfloat16: torch.int16,
    torch.int8: torch.int8,
}


def tensor(dtype: torch.dtype, *shape: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    if dtype is torch.int8:
        return torch.randint(-120, 120, shape, dtype=dtype, generator=generator)
    return (0.05 * torch.randn(shape, generator=generator, dtype=torch.float64)).to(dtype)


def payload(
    weights: torch.Tensor, bits: int, elements: int | None = None, seed: int = 1
) -> torch.Tensor:
    """The weights with random bits in the low bits of the first elements."""
    generator = np.random.default_rng(seed)
    changed = weights.clone()
    codes = changed.view(CODES[weights.dtype]).reshape(-1)
    some = codes[:elements]
    noise = torch.from_numpy(generator.integers(0, 1 << bits, some.shape)).to(codes.dtype)
    some[:] = (some & ~((1 << bits) - 1)) | noise
    return changed


def torch_file(**tensors: torch.Tensor) -> Written:
    def write(folder: Path) -> Path:
        torch.save(tensors, folder / "model.pt")
        return folder / "model.pt"

    return write


def safetensors_file(**tensors: torch.Tensor) -> Written:
    def write(folder: Path) -> Path:
        save_file(tensors, folder / "model.safetensors")
        return folder / "model.safetensors"

    return write


F64, F32, F16, BF16, I8 = CODES
PLANTED = [
    (dtype, bits, shape, elements)
    for dtype, bits, shape, elements in (
        (F32, 1, (64, 64), None),
        (F32, 2, (64, 64), None),
        (F32, 3, (300,), None),
        (F32, 4, (16, 8, 3, 3), None),
        (F32, 8, (64, 64), None),
        (F32, 8, (256,), None),
        (F32, 8, (64, 64), 500),
        (F32, 12, (64, 64), None),
        (F32, 16, (64, 64), None),
        (F32, 24, (64, 64), None),
        (BF16, 1, (64, 64), None),
        (BF16, 2, (64, 64), None),
        (BF16, 3, (64, 64), 1000),
        (BF16, 4, (512,), None),
        (F16, 1, (64, 64), None),
        (F16, 4, (64, 64), None),
        (F16, 6, (64, 64), 2000),
        (F64, 8, (64, 64), None),
        (F64, 32, (64, 64), None),
        (I8, 1, (64, 64), None),
        (I8, 2, (64, 64), None),
    )
]


def planted() -> list[Case]:
    cases = []
    for number, (dtype, bits, shape, elements) in enumerate(PLANTED):
        weights = tensor(dtype, *shape, seed=number)
        file = safetensors_file if number % 2 else torch_file
        told = Expected(
            "fail", "warning", "medium", ("tensor", "fc.weight"), {"bits": bits}, "in no other"
        )
        cases.append(
            Case(
                f"{bits} bits of {dtype} {shape}, {elements or 'all'} elements",
                file(**{"fc.weight": payload(weights, bits, elements)}),
                (told,),
                baseline=file(**{"fc.weight": weights}),
            )
        )
    return cases


def trained(module: torch.nn.Module, steps: int, rate: float, optimiser: str) -> torch.nn.Module:
    torch.manual_seed(1)
    x = torch.randn(32, 64)
    step = getattr(torch.optim, optimiser)(module.parameters(), rate)
    for _ in range(steps):
        step.zero_grad()
        (module(x) - x[:, :16]).pow(2).mean().backward()
        step.step()
    return module


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers = [torch.nn.Linear(64, 96), torch.nn.LayerNorm(96), torch.nn.ReLU()]
    return trained(torch.nn.Sequential(*layers, torch.nn.Linear(96, 16)), 20, 1e-2, "Adam")


def state(module: torch.nn.Module, dtype: torch.dtype = F32) -> dict[str, torch.Tensor]:
    return {name: value.detach().to(dtype) for name, value in module.state_dict().items()}


def ulps(weights: torch.Tensor, share: float) -> torch.Tensor:
    """A share of the elements moved to a neighbouring number, up or down."""
    generator = torch.Generator().manual_seed(3)
    up = torch.rand(weights.shape, generator=generator) < 0.5
    towards = torch.where(up, torch.inf, -torch.inf).to(weights.dtype)
    moved = torch.rand(weights.shape, generator=generator) < share
    return torch.where(moved, torch.nextafter(weights, towards), weights)


def near_misses() -> list[Case]:
    base, quiet = state(network()), (Expected("pass", message="none differs"),)
    weight = base["0.weight"]
    coarse = weight.bfloat16().float()
    cases = [
        (
            f"{steps} steps of {optimiser} at {rate}",
            state(trained(network(), steps, rate, optimiser)),
        )
        for steps, rate, optimiser in (
            (1, 1e-7, "SGD"),
            (1, 1e-5, "SGD"),
            (1, 1e-3, "SGD"),
            (5, 1e-8, "Adam"),
            (5, 1e-6, "Adam"),
            (5, 1e-4, "Adam"),
            (5, 1e-4, "AdamW"),
            (3, 1e-2, "SGD"),
        )
    ]
    cases += [
        ("the same", base),
        ("cast to float16 and back", {n: v.half().float() for n, v in base.items()}),
        ("cast to bfloat16 and back", {n: v.bfloat16().float() for n, v in base.items()}),
        ("float16", {n: v.half() for n, v in base.items()}),
        ("bfloat16", {n: v.bfloat16() for n, v in base.items()}),
        ("float64", {n: v.double() for n, v in base.items()}),
        ("neighbouring numbers", {n: ulps(v, 1.0) for n, v in base.items()}),
        ("a hundredth moved to neighbours", {n: ulps(v, 0.01) for n, v in base.items()}),
        (
            "the low 16 bits cut off",
            {n: (v.view(torch.int32) & ~0xFFFF).view(F32) for n, v in base.items()},
        ),
        ("noise of training", {n: v + 1e-4 * torch.randn_like(v) for n, v in base.items()}),
        ("scaled", {n: v * 1.0001 for n, v in base.items()}),
        ("pruned", {n: torch.where(v.abs() < 0.01, 0.0, v) for n, v in base.items()}),
        ("thirty elements with a payload", {**base, "0.weight": payload(weight, 8, 30)}),
    ]
    file, baseline = safetensors_file, safetensors_file(**base)
    found = [Case(title, file(**tensors), quiet, baseline=baseline) for title, tensors in cases]
    ones = torch.ones(512)
    found.append(
        Case(
            "norms that all grew from one",
            file(w=ones + 1e-4 * torch.rand(512, generator=torch.Generator().manual_seed(0))),
            quiet,
            baseline=file(w=ones),
        )
    )
    found.append(
        Case(
            "rounded weights that were scaled up",
            file(w=coarse * (1 + 2e-4)),
            quiet,
            baseline=file(w=coarse),
        )
    )
    found.append(
        Case(
            "rounded weights that were trained on",
            file(w=coarse + 1e-5 * torch.sign(torch.randn_like(coarse))),
            quiet,
            baseline=file(w=coarse),
        )
    )
    return found


CASES = (
    *planted(),
    *near_misses(),
    Case(
        "without a reference it does not apply",
        torch_file(w=tensor(F32, 8, 8)),
        (Expected("not-applicable", message="no checkpoint to compare with"),),
    ),
    Case(
        "no tensor in common",
        torch_file(w=tensor(F32, 8, 8)),
        (Expected("inconclusive", message="counterpart"),),
        baseline=torch_file(v=tensor(F32, 8, 8)),
    ),
    Case(
        "a payload in the bits that an upcast left empty",
        torch_file(w=payload(tensor(BF16, 64, 64).float(), 16)),
        (Expected("fail", "warning", values={"bits": 16}),),
        baseline=torch_file(w=tensor(BF16, 64, 64).float()),
    ),
    Case(
        "min-crossings sets how much must tell",
        torch_file(w=payload(tensor(F32, 64, 64), 8)),
        (Expected("pass"),),
        {"min-crossings": 5000},
        torch_file(w=tensor(F32, 64, 64)),
    ),
)
