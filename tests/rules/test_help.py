"""Advice is followed: what a rule tells to do about a finding ends it."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable
from pathlib import Path

import modlint_train
import pytest
import torch
from hand_built import faded, random_weights, rescaled
from rule_cases import verdicts
from safetensors.torch import save_file
from torch import nn

import modlint
import modlint_plugins
import modlint_rules
from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
PACKAGES = [
    Path(folder)
    for package in (modlint, modlint_plugins, modlint_rules, modlint_train)
    for folder in package.__path__
]
Save = Callable[[Path], Path]


def saved(content: object, name: str = "model.pt") -> Save:
    def save(folder: Path) -> Path:
        torch.save(content, folder / name)
        return folder / name

    return save


def tensors(metadata: dict[str, str] | None, name: str = "model.safetensors") -> Save:
    def save(folder: Path) -> Path:
        save_file({"w": torch.ones(3, 3)}, folder / name, metadata)
        return folder / name

    return save


def stored(weights: list[torch.Tensor]) -> Save:
    return saved({f"{2 * i}.weight": weight for i, weight in enumerate(weights)})


def mlp() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(8, 20), nn.ReLU(), nn.Linear(20, 10), nn.ReLU(), nn.Linear(10, 3)
    )


def trained() -> dict[str, object]:
    net = mlp()
    optimiser = torch.optim.Adam(net.parameters())
    net(torch.ones(1, 8)).sum().backward()
    optimiser.step()
    return {"model": net.state_dict(), "optimizer": optimiser.state_dict()}


def pruned(weights: list[torch.Tensor], *units: int) -> list[torch.Tensor]:
    """Without units of the first hidden layer."""
    kept = [i for i in range(len(weights[0])) if i not in units]
    return [weights[0][kept], weights[1][:, kept], *weights[2:]]


def silenced() -> list[torch.Tensor]:
    weights = random_weights(0, 8, 20, 10, 3)
    weights[1][:, [3, 7]] = 0
    return weights


def balanced(weights: list[torch.Tensor]) -> list[torch.Tensor]:
    """Each hidden unit as strong in as out."""
    moved = [weight.double() for weight in weights]
    for _, (i, j) in itertools.product(range(50), itertools.pairwise(range(len(moved)))):
        scale = (moved[j].abs().sum(0) / moved[i].abs().sum(1)).sqrt()
        moved[i], moved[j] = moved[i] * scale[:, None], moved[j] / scale
    return moved


STATE = mlp().state_dict()
TABLE = torch.randn(100, 10)
SCALED = rescaled(random_weights(0, 40, 30, 30, 8), 2.0)
FAINT = faded(random_weights(0, 40, 30, 8), 0.1, 1e-8)
TOKEN = "hf_" + "aB3" * 12

FOLLOWED: dict[str, tuple[str, Save, Save]] = {
    "the state_dict alone": ("FMT004", saved(trained()), saved(trained()["model"])),
    "the prefix stripped": (
        "FMT005",
        saved({f"module.{key}": value for key, value in STATE.items()}),
        saved(STATE),
    ),
    "the tensor cloned": ("FMT006", saved({"t": TABLE[:4]}), saved({"t": TABLE[:4].clone()})),
    "the state_dict in place of the module": ("FMT012", saved(mlp()), saved(STATE)),
    "the format stated": ("FMT012", tensors(None), tensors({"format": "pt"})),
    "renamed after what it holds": (
        "FMT001",
        tensors({"format": "pt"}, "model.pt"),
        tensors({"format": "pt"}),
    ),
    "saved without the token": (
        "SEC008",
        tensors({"format": "pt", "user": TOKEN}),
        tensors({"format": "pt"}),
    ),
    "dead units pruned": ("NEU001", stored(silenced()), stored(pruned(silenced(), 3, 7))),
    "faint units pruned": ("NEU002", stored(FAINT), stored(pruned(FAINT, 0, 1, 2))),
    "units scaled": ("CLU003", stored(SCALED), stored(balanced(SCALED))),
}


@pytest.mark.parametrize("title", FOLLOWED)
def test_advice_that_is_followed_ends_the_finding(title: str, tmp_path: Path) -> None:
    code, before, after = FOLLOWED[title]
    found = []
    for number, save in enumerate((before, after)):
        (tmp_path / str(number)).mkdir()
        path = save(tmp_path / str(number))
        judged = verdicts(path, REGISTRY, REGISTRY.rules[code].name)
        found.append({verdict.outcome for verdict in judged})
    assert Outcome.FAIL in found[0]
    assert found[1] == {Outcome.PASS}


def test_units_that_are_pruned_leave_the_function_as_it_was() -> None:
    weights = silenced()
    x = torch.randn(30, 8)

    def run(layers: list[torch.Tensor]) -> torch.Tensor:
        value = x
        for layer in layers[:-1]:
            value = torch.relu(value @ layer.T)
        return value @ layers[-1].T

    assert torch.allclose(run(weights), run(pruned(copy.deepcopy(weights), 3, 7)), atol=1e-6)


def test_no_text_names_a_folder_that_an_installed_modlint_lacks() -> None:
    """`pip install ./plugins/modlint-train` works in a clone alone."""
    files = [file for package in PACKAGES for file in package.rglob("*.py")]
    assert len(files) > 300
    assert [file.name for file in files if "install ./" in file.read_text("utf-8")] == []
