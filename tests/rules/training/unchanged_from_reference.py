"""Cases of TRN005."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import torch
from rule_cases import Case, Expected
from safetensors.torch import save_file
from torch import nn

Written = Callable[[Path], Path]


def mlp() -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 10)
    )


def convolutional() -> nn.Module:
    return nn.Sequential(
        nn.Conv2d(64, 8, 3, padding=1),
        nn.BatchNorm2d(8),
        nn.Conv2d(8, 16, 3),
        nn.Flatten(),
        nn.Linear(16 * 6 * 6, 10),
    )


def attention() -> nn.Module:
    return nn.TransformerEncoder(
        nn.TransformerEncoderLayer(64, 2, 64, batch_first=True), 2, enable_nested_tensor=False
    )


def recurrent() -> nn.Module:
    class Recurrent(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.rnn = nn.LSTM(64, 16, batch_first=True)
            self.head = nn.Linear(16, 10)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.head(self.rnn(x)[0])

    return Recurrent()


INPUTS = {mlp: (8, 64), convolutional: (4, 64, 8, 8), attention: (4, 5, 64), recurrent: (4, 5, 64)}


def trained(
    module: nn.Module, shape: tuple[int, ...], frozen: str | None, optimiser: str = "Adam"
) -> nn.Module:
    """Five steps, with the parameters whose name begins so left as they are."""
    torch.manual_seed(1)
    for name, parameter in module.named_parameters():
        parameter.requires_grad = frozen is None or not name.startswith(frozen)
    free = [p for p in module.parameters() if p.requires_grad]
    if not free:
        return module
    step = getattr(torch.optim, optimiser)(free, 1e-2)
    x = torch.randn(shape)
    for _ in range(5):
        step.zero_grad()
        module(x).pow(2).mean().backward()
        step.step()
    return module


def saved(module: nn.Module, form: str, dtype: torch.dtype = torch.float32) -> Written:
    tensors = {n: v.detach().clone().to(dtype) for n, v in module.state_dict().items()}

    def write(folder: Path) -> Path:
        path = folder / f"model.{form}"
        if form == "safetensors":
            save_file(tensors, path)
        elif form == "ckpt":
            torch.save({"epoch": 1, "state_dict": tensors}, path)
        else:
            torch.save(tensors, path)
        return path

    return write


def planted() -> list[Case]:
    """Networks of which a part was frozen, or all."""
    cases = []
    for build, frozen, layers, same in (
        (mlp, "0", 3, 1),
        (mlp, "2", 3, 1),
        (mlp, "", 3, 3),
        (convolutional, "0", 3, 1),
        (convolutional, "2", 3, 1),
        (convolutional, "", 3, 3),
        (attention, "layers.0", 8, 4),
        (attention, "layers.1", 8, 4),
        (attention, "", 8, 8),
        (recurrent, "rnn", 2 + 0, 2),
    ):
        for form, dtype in (("pt", torch.float32), ("safetensors", torch.float32)):
            torch.manual_seed(0)
            before = build()
            after = trained(copy.deepcopy(before), INPUTS[build], frozen)
            message = "nothing was trained" if same == layers else "bit-identical"
            told = Expected("fail", "note", values={"identical": same}, message=message)
            title = f"{build.__name__} with {frozen or 'all'} frozen, .{form}"
            cases.append(
                Case(title, saved(after, form, dtype), (told,), baseline=saved(before, form, dtype))
            )
    return cases


def near_misses() -> list[Case]:
    """Networks that were trained throughout."""
    cases = []
    for build in INPUTS:
        for optimiser in ("SGD", "Adam", "AdamW"):
            for form in ("pt", "safetensors"):
                torch.manual_seed(0)
                before = build()
                after = trained(copy.deepcopy(before), INPUTS[build], None, optimiser)
                title = f"{build.__name__} trained by {optimiser}, .{form}"
                told = Expected("pass", values={"identical": 0}, message="none of ")
                case = Case(title, saved(after, form), (told,), baseline=saved(before, form))
                cases.append(case)
    return cases


def drifted() -> Case:
    weight = torch.randn(32, 32, generator=torch.Generator().manual_seed(0))
    moved = weight + 0.5 * torch.ones_like(weight)
    norm = math.sqrt(
        float(((moved.double() - weight.double()) ** 2).sum() / (weight.double() ** 2).sum())
    )

    def write(tensor: torch.Tensor) -> Written:
        def file(folder: Path) -> Path:
            torch.save({"fc.weight": tensor.double()}, folder / "model.pt")
            return folder / "model.pt"

        return file

    told = Expected("pass", values={"median_drift": norm, "layers": 1})
    return Case("the drift is ‖new − old‖ / ‖old‖", write(moved), (told,), baseline=write(weight))


torch.manual_seed(0)
BASE = mlp()
CASES = (
    *planted(),
    *near_misses(),
    drifted(),
    Case(
        "without a reference it does not apply",
        saved(BASE, "pt"),
        (Expected("not-applicable", message="no checkpoint to compare with"),),
    ),
    Case(
        "frozen on purpose",
        saved(trained(copy.deepcopy(BASE), (8, 64), "0"), "pt"),
        (Expected("pass", values={"identical": 1}),),
        {"max-identical": 1},
        saved(BASE, "pt"),
    ),
    Case(
        "a section's name is no other tensor",
        saved(BASE, "ckpt"),
        (Expected("fail", "note", values={"identical": 3}),),
        baseline=saved(BASE, "pt"),
    ),
    Case(
        "a cast is no training and no identity",
        saved(BASE, "pt", torch.bfloat16),
        (Expected("pass", values={"identical": 0}),),
        baseline=saved(BASE, "pt"),
    ),
    Case(
        "another architecture",
        saved(BASE, "pt"),
        (Expected("inconclusive", message="no layer weight has a counterpart"),),
        baseline=saved(convolutional(), "pt"),
    ),
)
