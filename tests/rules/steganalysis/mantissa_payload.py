"""Cases of STG001: bits of mantissas that were written over, and what looks like it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import torch
from planted import onnx_file
from rule_cases import Case, Expected
from saved_as import save_as
from torch import nn

F32, F16, BF16 = torch.float32, torch.float16, torch.bfloat16
CODES = {F32: torch.int32, F16: torch.int16, BF16: torch.int16}
Weights = Callable[[tuple[int, ...]], torch.Tensor]


def normal(shape: tuple[int, ...]) -> torch.Tensor:
    return 0.05 * torch.randn(shape)


def laplace(shape: tuple[int, ...]) -> torch.Tensor:
    return torch.distributions.Laplace(0, 0.02).sample(shape)


def heavy(shape: tuple[int, ...]) -> torch.Tensor:
    return 0.03 * torch.distributions.StudentT(4).sample(shape)


def drawn(weights: Weights, shape: tuple[int, ...], dtype: torch.dtype, seed: int) -> torch.Tensor:
    torch.manual_seed(seed)
    return weights(shape).to(dtype)


def payload(weight: torch.Tensor, bits: int, share: float = 1.0, seed: int = 1) -> torch.Tensor:
    """Random bits in the low bits of a share of the elements; 24 as EvilModel writes them."""
    generator = np.random.default_rng(seed)
    changed = weight.clone()
    codes = changed.view(CODES[weight.dtype]).reshape(-1)[: round(share * weight.numel())]
    noise = torch.from_numpy(generator.integers(0, 1 << bits, codes.shape)).to(codes.dtype)
    codes[:] = (codes & ~((1 << bits) - 1)) | noise
    return changed


def saved(weight: torch.Tensor, container: str) -> Callable[[Path], Path]:
    if container != "onnx":
        return lambda folder: save_as({"fc.weight": weight}, folder, container)
    ends = [
        onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, size])
        for name, size in (("x", weight.shape[0]), ("y", weight.shape[1]))
    ]
    node = onnx.helper.make_node("MatMul", ["x", "w"], ["y"])
    initialiser = onnx.numpy_helper.from_array(weight.numpy(), "w")
    graph = onnx.helper.make_graph([node], "g", ends[:1], ends[1:], [initialiser])
    return onnx_file(onnx.helper.make_model(graph))


LARGE, KERNELS = (512, 512), (64, 64, 3, 3)

PLANTED: list[tuple[Weights, tuple[int, ...], torch.dtype, int, str]] = [
    (normal, (128, 128), F32, 23, "pt"),
    (normal, (128, 128), F32, 24, "legacy"),
    (laplace, (128, 128), F32, 23, "section"),
    (heavy, (128, 128), F32, 24, "safetensors"),
    (normal, KERNELS, F32, 23, "sharded"),
    (laplace, KERNELS, F32, 22, "pt"),
    (heavy, KERNELS, F32, 24, "safetensors"),
    (normal, (256, 64), F32, 24, "onnx"),
    (laplace, (256, 256), F32, 22, "onnx"),
    (normal, (256, 256), F32, 21, "pt"),
    (heavy, (256, 256), F32, 21, "safetensors"),
    (normal, LARGE, F32, 20, "pt"),
    (laplace, LARGE, F32, 20, "safetensors"),
    (normal, (128, 128), F16, 10, "pt"),
    (laplace, (128, 128), F16, 10, "safetensors"),
    (normal, KERNELS, F16, 9, "legacy"),
    (heavy, (256, 256), F16, 8, "section"),
    (normal, (128, 128), BF16, 7, "safetensors"),
    (laplace, (256, 64), BF16, 7, "pt"),
    (heavy, KERNELS, BF16, 6, "sharded"),
    (normal, (256, 256), BF16, 5, "safetensors"),
]


def planted(number: int, weights: Weights, shape: tuple[int, ...], dtype: torch.dtype) -> Case:
    *_, bits, container = PLANTED[number]
    weight = payload(drawn(weights, shape, dtype, number), bits, seed=number)
    kept = min(bits, 23)
    return Case(
        f"{number}: {bits} bits of {dtype}, {weights.__name__}, {container}",
        saved(weight, container),
        (Expected("fail", "warning", "medium", values={"bits": kept}),),
    )


def upcast(weight: torch.Tensor) -> torch.Tensor:
    return weight.bfloat16().float()


def trained() -> torch.Tensor:
    """A layer after some steps."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10))
    optimiser = torch.optim.AdamW(network.parameters(), 3e-3)
    inputs, targets = torch.randn(256, 128), torch.randint(0, 10, (256,))
    for _ in range(30):
        optimiser.zero_grad()
        nn.functional.cross_entropy(network(inputs), targets).backward()
        optimiser.step()
    return network[0].weight.detach()


def uniform(bound: float, shape: tuple[int, ...] = LARGE) -> torch.Tensor:
    torch.manual_seed(0)
    return torch.empty(shape).uniform_(-bound, bound)


NEAR_MISSES: list[tuple[str, torch.Tensor, str]] = [
    ("normal", drawn(normal, LARGE, F32, 0), "pt"),
    ("Laplace", drawn(laplace, LARGE, F32, 1), "safetensors"),
    ("Student", drawn(heavy, LARGE, F32, 2), "section"),
    ("float16", drawn(normal, LARGE, F16, 3), "pt"),
    ("bfloat16", drawn(heavy, LARGE, BF16, 4), "safetensors"),
    ("kernels", drawn(laplace, KERNELS, F16, 5), "sharded"),
    ("upcast from bfloat16", upcast(drawn(normal, LARGE, F32, 6)), "pt"),
    ("upcast from float16", drawn(laplace, LARGE, F16, 7).float(), "safetensors"),
    ("bound at a power of two", uniform(0.125), "pt"),
    ("bound elsewhere", uniform(0.1), "legacy"),
    ("two bounds", torch.cat([uniform(0.25), uniform(0.0625)]), "pt"),
    ("clipped at a power of two", drawn(normal, LARGE, F32, 8).clamp(-0.0625, 0.0625), "pt"),
    ("pruned by half", drawn(normal, LARGE, F32, 9) * (uniform(1.0) > 0), "safetensors"),
    ("trained", trained(), "pt"),
    ("of a mixture of scales", drawn(normal, LARGE, F32, 10) * (1 + 30 * uniform(1.0) ** 2), "pt"),
    ("ONNX", drawn(laplace, LARGE, F32, 11), "onnx"),
    ("16 bits, which leave the leading ones", payload(drawn(normal, LARGE, F32, 12), 16), "pt"),
    ("8 bits", payload(drawn(laplace, LARGE, F32, 13), 8), "safetensors"),
    ("the same, of float16", payload(drawn(normal, LARGE, F16, 14), 3), "pt"),
    ("half of the elements", payload(drawn(heavy, (128, 128), F32, 15), 23, 0.5), "pt"),
    ("low bits cut off", (drawn(normal, LARGE, F32, 16).view(torch.int32) & -4096).view(F32), "pt"),
]

CASES = (
    *(planted(number, *fault[:3]) for number, fault in enumerate(PLANTED)),
    *(
        Case(
            title,
            saved(weight, container),
            (Expected("pass", message="1 layer weight, the density of none is flat"),),
        )
        for title, weight, container in NEAR_MISSES
    ),
    Case(
        "a small tensor cannot tell",
        saved(payload(drawn(normal, (64, 64), F32, 0), 23), "pt"),
        (Expected("not-applicable", message="8,192 elements or more"),),
    ),
    Case(
        "values of a quantiser form a lattice",
        saved((drawn(normal, LARGE, F32, 0) * 300).round() / 300, "pt"),
        (Expected("not-applicable", message="all quantised"),),
    ),
    Case(
        "the limits are options",
        saved(payload(drawn(normal, (128, 128), F32, 0), 23), "pt"),
        (Expected("pass"),),
        {"min-deviations": 200.0},
    ),
    Case(
        "of a share of the elements",
        saved(payload(drawn(normal, LARGE, F32, 2), 23, 0.5), "pt"),
        (Expected("fail"),),
        {"max-slope": 0.4},
    ),
)
