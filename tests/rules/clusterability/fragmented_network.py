"""Cases of CLU005."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from hand_built import planted_weights, random_weights
from rule_cases import Case, Expected


def saved(state: Mapping[str, torch.Tensor]) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(dict(state), folder / "model.pt")
        return folder / "model.pt"

    return write


def written(weights: Sequence[torch.Tensor]) -> Callable[[Path], Path]:
    """A state_dict of linear layers."""
    return saved({f"{i}.weight": weight for i, weight in enumerate(weights)})


def side_by_side(*networks: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Networks of as many layers that share no weight."""
    return [torch.block_diag(*layers) for layers in zip(*networks, strict=True)]


def linked(weights: Sequence[torch.Tensor], link: float) -> list[torch.Tensor]:
    """The same with this weight wherever there was none."""
    return [torch.where(weight == 0, link, weight) for weight in weights]


def convolutions(*shapes: tuple[int, int]) -> Callable[[Path], Path]:
    """A chain of convolutions with kernels 3 × 3, each (out, in / groups)."""
    generator = torch.Generator().manual_seed(0)
    kernels = [torch.randn(*shape, 3, 3, generator=generator) for shape in shapes]
    return saved({f"conv{i}.weight": kernel for i, kernel in enumerate(kernels)})


def grouped(*groups: int) -> Callable[[Path], Path]:
    """Convolutions of 6 channels in so many groups each, as ONNX, which tells the groups."""

    def write(folder: Path) -> Path:
        import onnx
        from onnx import TensorProto, helper, numpy_helper

        generator = torch.Generator().manual_seed(0)
        nodes, kernels = [], []
        for i, n in enumerate(groups):
            kernel = torch.randn(6, 6 // n, 3, 3, generator=generator)
            kernels.append(numpy_helper.from_array(kernel.numpy(), f"w{i}"))
            nodes.append(helper.make_node("Conv", [f"a{i}", f"w{i}"], [f"c{i}"], group=n))
            nodes.append(helper.make_node("Relu", [f"c{i}"], [f"a{i + 1}"]))
        ends = [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", 6, None, None])
            for name in ("a0", f"a{len(groups)}")
        ]
        graph = helper.make_graph(nodes, "cnn", ends[:1], ends[1:], kernels)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
        onnx.save(model, folder / "m.onnx")
        return folder / "m.onnx"

    return write


def with_dead_end() -> list[torch.Tensor]:
    """Inputs 0 and 1 drive unit 0, which nothing reads."""
    first, second = random_weights(0, 20, 15, 10)
    first[0, 2:] = 0
    first[1:, :2] = 0
    second[:, 0] = 0
    return [first, second]


def with_nan() -> list[torch.Tensor]:
    return [torch.full((4, 5), math.nan), torch.ones(3, 4)]


LEFT, RIGHT = random_weights(0, 20, 15, 10), random_weights(1, 9, 8, 7)

CASES = (
    Case(
        "a network of one piece",
        written(planted_weights(0, 10, 60, 50, 50, 50, 10)),
        (
            Expected(
                "pass",
                target=("network", "0"),
                values={"components": 1, "sizes": (220,), "partial": 0, "neurons": 220},
                message="1 part of its graph with both an input and an output",
            ),
        ),
    ),
    Case(
        "two networks side by side",
        written(side_by_side(LEFT, RIGHT)),
        (
            Expected(
                "fail",
                "information",
                target=("network", "0"),
                values={"components": 2, "sizes": (45, 24), "partial": 0, "neurons": 69},
                message="falls into 2 parts, each with an input and an output and no weight to"
                " another: the largest of 45 neurons, the smallest of 24",
            ),
        ),
    ),
    Case(
        "links that rounding swallows are none",
        written(linked(side_by_side(LEFT, RIGHT), 1e-30)),
        (Expected("fail", values={"components": 2, "sizes": (45, 24)}),),
    ),
    Case(
        "weak links are links",
        written(linked(side_by_side(LEFT, RIGHT), 1e-6)),
        (Expected("pass", values={"components": 1, "sizes": (69,)}),),
    ),
    Case(
        "of a layer of small weights too",
        written([LEFT[0] * 1e-30, LEFT[1]]),
        (Expected("pass", values={"components": 1, "sizes": (45,)}),),
    ),
    Case(
        "as many as are asked for",
        written(side_by_side(LEFT, RIGHT)),
        (Expected("pass", values={"components": 2}),),
        {"max-components": 2},
    ),
    Case(
        "a dead end is no network of its own",
        written(with_dead_end()),
        (Expected("pass", values={"components": 1, "partial": 1, "neurons": 45}),),
    ),
    Case(
        "depthwise and pointwise convolutions take turns",
        convolutions((16, 3), (16, 1), (24, 16), (24, 1)),
        (Expected("pass", values={"components": 1, "sizes": (83,)}),),
    ),
    Case(
        "grouped convolutions that never mix",
        grouped(2, 2),
        (Expected("fail", values={"components": 2, "sizes": (9, 9)}),),
    ),
    Case(
        "grouped convolutions of which one mixes",
        grouped(2, 1),
        (Expected("pass", values={"components": 1, "sizes": (18,)}),),
    ),
    Case(
        "too many connections",
        written(LEFT),
        (
            Expected(
                "inconclusive",
                message="modlint check --config rules.fragmented-network.max-connections=450",
            ),
        ),
        {"max-connections": 449},
    ),
    Case(
        "NaN",
        written(with_nan()),
        (Expected("inconclusive", message="'0.weight' holds NaN or infinity"),),
    ),
)
