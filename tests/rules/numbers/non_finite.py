"""Cases of NUM001."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pandas as pd
import torch
from onnx import TensorProto, helper
from rule_cases import Case, Expected

INF, NAN = float("inf"), float("nan")


def saved(content: Any) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        torch.save(content, folder / "model.pt")
        return folder / "model.pt"

    return write


def with_value(shape: tuple[int, ...], at: tuple[int, ...], value: float) -> torch.Tensor:
    tensor = torch.ones(shape)
    tensor[at] = value
    return tensor


def passing(**values: Any) -> tuple[Expected, ...]:
    return (Expected("pass", target=("file", "model.pt"), values=values),)


def failing(name: str, severity: str = "error", **values: Any) -> Expected:
    return Expected("fail", severity, "high", ("tensor", name), values)


def graph(name: str, values: list[float]) -> Callable[[Path], Path]:
    """An ONNX model that compares with a constant."""

    def write(folder: Path) -> Path:
        ends = [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in "xy"]
        tensor = onnx.numpy_helper.from_array(np.array(values, np.float32), name)
        node = helper.make_node("Max", ["x", name], ["y"])
        made = helper.make_graph([node], "g", ends[:1], ends[1:], [tensor])
        onnx.save(helper.make_model(made), folder / "model.onnx")
        return folder / "model.onnx"

    return write


def table(folder: Path) -> Path:
    """A log as pandas holds it, with a missing cell, beside a model."""
    log = pd.DataFrame({"loss": [0.5, NAN], "epoch": [1, 2], "note": ["a", None]})
    torch.save({"model": {"fc.weight": torch.ones(2, 2)}, "log": log}, folder / "model.pt")
    return folder / "model.pt"


def series(folder: Path) -> Path:
    pd.Series([1.0, NAN]).to_pickle(folder / "model.pkl")
    return folder / "model.pkl"


CAUSAL = torch.full((4, 4), -INF).triu(1)
SLOPES = torch.arange(4).float().neg().repeat(4, 1) + CAUSAL

CASES = (
    Case(
        "finite tensors of several types pass",
        saved({"a": torch.ones(2, 3), "b": torch.arange(4), "c": torch.zeros(2).bfloat16()}),
        passing(count=0, tensors=3, exempt=0),
    ),
    Case(
        "a NaN is found where it is",
        saved({"a": torch.ones(2), "b": with_value((3, 4, 5), (1, 2, 3), NAN)}),
        (failing("b", count=1, share=1 / 60, nan=1, first=33, position=(1, 2, 3)),),
    ),
    Case(
        "its position is that in the tensor, whatever the strides",
        saved({"b": with_value((3, 4), (0, 2), NAN).T}),
        (failing("b", count=1, first=6, position=(2, 0)),),
    ),
    Case(
        "both infinities and NaN are counted, in half precision too",
        saved({"b": torch.tensor([1.0, INF, NAN, -INF, INF, -0.0]).half()}),
        (
            failing(
                "b", count=4, share=4 / 6, nan=1, positive_infinite=2, negative_infinite=1, first=1
            ),
        ),
    ),
    Case(
        "one finding for each tensor",
        saved({"a": torch.tensor([NAN]), "b": torch.ones(1), "c": torch.tensor(INF)}),
        (failing("a", position=(0,)), failing("c", position=())),
    ),
    Case(
        "a complex element is finite when both parts are",
        saved({"b": torch.tensor([1 + 2j, complex(0, INF)])}),
        (failing("b", count=1, first=1),),
    ),
    Case(
        "a causal mask passes by its numbers",
        saved({"attn.causal": CAUSAL, "w": torch.ones(2)}),
        passing(count=0, tensors=2, exempt=1),
    ),
    *(
        Case(
            f"a {name} of zeros and −inf is no mask",
            saved({f"fc.{name}": torch.tensor([0.0, -INF, 0.0])}),
            (failing(f"fc.{name}", negative_infinite=1, first=1),),
        )
        for name in ("weight", "bias", "beta", "running_mean", "bias_ih_l0")
    ),
    Case(
        "a mask that a parameter's name begins passes by its name",
        saved({"bias_mask": CAUSAL}),
        passing(exempt=1),
    ),
    Case(
        "the best score that a callback has seen is infinite before there is one",
        saved(
            {
                "state_dict": {"fc.weight": torch.ones(2, 2)},
                "callbacks": {
                    "ModelCheckpoint": {"kth_value": torch.tensor(INF), "current_score": None},
                    "EarlyStopping": {"best_score": torch.tensor(-INF)},
                },
            }
        ),
        passing(count=0, exempt=2),
    ),
    Case(
        "a best score that is NaN is a finding, as is an infinite loss",
        saved(
            {
                "state_dict": {"fc.weight": torch.ones(2, 2)},
                "callbacks": {"ModelCheckpoint": {"kth_value": torch.tensor(NAN)}},
                "optimizer_states": [{"state": {0: {"loss": torch.tensor(INF)}}}],
            }
        ),
        (
            failing("callbacks.ModelCheckpoint.kth_value", "warning", nan=1),
            failing("optimizer_states.0.state.0.loss", "warning", positive_infinite=1),
        ),
    ),
    Case("a mask with slopes passes by its name", saved({"alibi_mask": SLOPES}), passing(exempt=1)),
    Case(
        "the same numbers under another name fail",
        saved({"attn.weight": SLOPES}),
        (failing("attn.weight", negative_infinite=6, first=1),),
    ),
    Case(
        "a mask with a NaN fails",
        saved({"mask": torch.cat([CAUSAL, with_value((1, 4), (0, 0), NAN)])}),
        (failing("mask", nan=1),),
    ),
    Case(
        "a mask token is a weight",
        saved({"mask_token": torch.tensor([-INF, -1.0])}),
        (failing("mask_token", count=1),),
    ),
    Case(
        "a mask that adds +inf fails",
        saved({"mask": -CAUSAL}),
        (failing("mask", positive_infinite=6),),
    ),
    Case(
        "all −inf is no mask",
        saved({"bias": torch.full((3,), -INF)}),
        (failing("bias", count=3, share=1.0),),
    ),
    Case(
        "an observer that saw no data passes",
        saved({"obs.min_val": torch.tensor(INF), "obs.max_vals": torch.tensor([-INF, -INF])}),
        passing(exempt=2),
    ),
    Case(
        "the bounds of an unbounded space pass",
        saved({"space": {"low": torch.tensor([-INF, -1.0]), "high": torch.tensor([INF, INF])}}),
        passing(exempt=2),
    ),
    Case(
        "an observer that saw infinity fails",
        saved({"obs.min_val": torch.tensor(-INF), "obs.max_val": torch.tensor(INF)}),
        (failing("obs.min_val"), failing("obs.max_val")),
    ),
    Case(
        "in an optimiser's state it is a warning",
        saved(
            {
                "model": {"w": torch.ones(2)},
                "optimizer": {
                    "state": {0: {"exp_avg": torch.tensor([NAN, 0.0])}},
                    "param_groups": [{"lr": 0.1, "params": [0]}],
                },
            }
        ),
        (failing("optimizer.state.0.exp_avg", "warning", count=1),),
    ),
    Case("missing cells of a table are data", table, passing(tensors=1, exempt=0)),
    Case(
        "a table alone is no model",
        series,
        (Expected("not-applicable", message="tables of data"),),
    ),
    Case(
        "a graph begins a maximum with −inf",
        graph("Const_26:0", [-INF]),
        (Expected("pass", values={"exempt": 1}),),
    ),
    Case("a graph's NaN", graph("Const_26:0", [NAN]), (failing("Const_26:0", nan=1),)),
    Case("a graph's two infinities", graph("c", [INF, -INF]), (failing("c", count=2),)),
    Case("a graph's infinite bias", graph("bias", [INF]), (failing("bias", count=1),)),
    Case("an empty tensor passes", saved({"a": torch.empty(0, 3)}), passing(tensors=1)),
    Case(
        "a file without tensors is not passed",
        saved({"epoch": 3}),
        (Expected("not-applicable", message="the file holds no tensor"),),
    ),
)
