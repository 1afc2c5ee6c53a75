"""Cases of STR005: inputs by name and by channel, with and without a way to the output."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from saved_as import FORMATS, save_as
from torch import Tensor, nn

GRAPHS = ("onnx", "program", "script")


class Added(nn.Module):
    """Two inputs, each through a layer of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.head = nn.Linear(5, 12), nn.Linear(2, 12), nn.Linear(12, 3)

    def forward(self, x: Tensor, sex: Tensor) -> Tensor:
        found: Tensor = self.head(torch.relu(self.a(x) + self.b(sex)))
        return found


class Gated(Added):
    """One input gates what comes of the other."""

    def forward(self, x: Tensor, sex: Tensor) -> Tensor:
        found: Tensor = self.head(torch.sigmoid(self.b(sex)) * torch.relu(self.a(x)))
        return found


class Late(Added):
    """The second input joins before the head, past a layer."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(24, 3)

    def forward(self, x: Tensor, sex: Tensor) -> Tensor:
        found: Tensor = self.head(torch.cat([torch.relu(self.a(x)), self.b(sex)], 1))
        return found


MODELS: dict[str, Callable[[], nn.Module]] = {"added": Added, "gated": Gated, "late": Late}


def two_inputs(name: str, container: str, connected: bool, seed: int = 0) -> Callable[[Path], Path]:
    """Writes a network of the inputs "x" and "sex"; without its weights nothing reads "sex"."""

    def write(folder: Path) -> Path:
        torch.manual_seed(seed)
        model = MODELS[name]().eval()
        if not connected:
            with torch.no_grad():
                model.b.weight.zero_()  # type: ignore[union-attr, operator]
        inputs = (torch.zeros(1, 5), torch.zeros(1, 2))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the exporters' own deprecations
            if container == "onnx":
                torch.onnx.export(
                    model,
                    inputs,
                    str(folder / "m.onnx"),
                    dynamo=False,
                    input_names=["x", "sex"],
                )
                return folder / "m.onnx"
            if container == "program":
                torch.export.save(torch.export.export(model, inputs), folder / "m.pt2")
                return folder / "m.pt2"
            torch.jit.trace(model, inputs).save(str(folder / "m.pt"))  # type: ignore[no-untyped-call]
            return folder / "m.pt"

    return write


def columns(
    container: str, dtype: torch.dtype, cut: tuple[int, ...] = (), small: float = 1.0
) -> Callable[[Path], Path]:
    """Writes a state_dict; some columns of its first layer are zero, column 3 is scaled."""

    def write(folder: Path) -> Path:
        torch.manual_seed(1)
        model = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2))
        weight = model[0].weight.data
        weight[:, 3] *= small
        weight[:, list(cut)] = 0
        state = {name: tensor.to(dtype) for name, tensor in model.state_dict().items()}
        return save_as(state, folder, container)

    return write


F32, F16, BF16, F64 = torch.float32, torch.float16, torch.bfloat16, torch.float64
STATES = tuple((container, dtype) for container in FORMATS for dtype in (F32, F16, BF16, F64))
NAMED = {"inputs": ("sex",)}
THIRD = {"inputs": ("input[3]",)}
FOUND = Expected("fail", "note", message="the output depends on it")
NONE = Expected("pass", values={"share": 0.0}, message="that says nothing of other inputs")

CASES = (
    *(
        Case(f"{name} {container}", two_inputs(name, container, connected=True), (FOUND,), NAMED)
        for name in MODELS
        for container in GRAPHS
    ),
    *(
        Case(
            f"cut: {name} {container}",
            two_inputs(name, container, connected=False),
            (NONE,),
            NAMED,
        )
        for name in MODELS
        for container in GRAPHS
        if name != "gated"  # a constant gate is still a weight's doing
    ),
    *(
        Case(f"a column: {container} {dtype}", columns(container, dtype), (FOUND,), THIRD)
        for container, dtype in STATES
    ),
    *(
        Case(f"a column cut: {container} {dtype}", columns(container, dtype, (3,)), (NONE,), THIRD)
        for container, dtype in STATES
    ),
    Case("next to nothing", columns("pt", F64, small=1e-12), (FOUND,), THIRD),
    Case(
        "a share that is allowed",
        columns("pt", F32, small=1e-3),
        (Expected("pass", values={"channels": 1}),),
        THIRD | {"max-share": 0.01},
    ),
    Case(
        "two columns, and all of them",
        columns("pt", F32, (2,)),
        (
            Expected("pass", target=("layer", "input[2]"), values={"channels": 1}),
            Expected("fail", target=("layer", "input"), values={"share": 1.0, "channels": 6}),
        ),
        {"inputs": ("input[2]", "input")},
    ),
    Case(
        "no input of that name",
        columns("pt", F32),
        (
            Expected(
                "inconclusive", message="no input 'age'; inputs, with their channels: input (6)"
            ),
        ),
        {"inputs": ("age",)},
    ),
    Case(
        "a channel that is not there",
        columns("pt", F32),
        (Expected("inconclusive", message="no input 'input[6]'"),),
        {"inputs": ("input[6]",)},
    ),
    Case(
        "no input is named",
        columns("pt", F32),
        (Expected("not-applicable", message="no input is named"),),
    ),
)
