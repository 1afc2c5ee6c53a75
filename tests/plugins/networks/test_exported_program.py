"""Networks of programs that torch.export wrote, against edges written by hand."""

from __future__ import annotations

import json
import random
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from aten_networks import CASES, Case, built, each, edges_of, kernels
from torch import Tensor, nn

from modlint.network import Call, Norm

pytestmark = pytest.mark.filterwarnings("ignore")


def saved(case: Case, path: Path, *, decomposed: bool = False, **options: Any) -> nn.Module:
    module = case.module().eval()
    with torch.no_grad():
        program = torch.export.export(module, case.inputs, strict=False, **options)
        torch.export.save(program.run_decompositions() if decomposed else program, path)
    return module


@pytest.mark.parametrize("name", CASES)
def test_edges_are_those_of_the_module(name: str, tmp_path: Path) -> None:
    saved(CASES[name], tmp_path / "m.pt2")

    found = built(tmp_path / "m.pt2")

    assert edges_of(found.networks) == CASES[name].edges
    assert not found.unplaced
    assert {network.source for network in found.networks} == {"exported-program"}


@pytest.mark.parametrize("name", [name for name in CASES if name not in ("LSTM", "GRU", "RNN")])
def test_a_decomposed_program_has_the_same_edges(name: str, tmp_path: Path) -> None:
    saved(CASES[name], tmp_path / "m.pt2", decomposed=True)
    assert edges_of(built(tmp_path / "m.pt2").networks) == CASES[name].edges


def test_a_batch_of_any_size(tmp_path: Path) -> None:
    batch = torch.export.Dim("batch", min=2, max=64)
    saved(CASES["attending"], tmp_path / "m.pt2", dynamic_shapes=({0: batch},))
    assert edges_of(built(tmp_path / "m.pt2").networks) == CASES["attending"].edges


def test_the_weights_of_the_largest_layers_are_moved(tmp_path: Path) -> None:
    """A decomposed program transposes each weight; VGG's first has 102,760,448 elements."""
    module = nn.Sequential(nn.Linear(4100, 4100, bias=False), nn.Linear(4100, 2)).half()
    with torch.no_grad():
        program = torch.export.export(module, (torch.zeros(1, 4100).half(),), strict=False)
        torch.export.save(program.run_decompositions(), tmp_path / "m.pt2")
    found = built(tmp_path / "m.pt2")
    assert not found.unplaced
    assert [call.weight for call in found.networks[0].calls] == ["0.weight", "1.weight"]


def test_the_layout_before_torch_2_7(tmp_path: Path) -> None:
    module = saved(CASES["residual"], tmp_path / "new.pt2")
    with zipfile.ZipFile(tmp_path / "new.pt2") as archive:
        (name,) = (n for n in archive.namelist() if n.endswith("models/model.json"))
        text = archive.read(name)
    torch.save(module.state_dict(), tmp_path / "state.pt")
    with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
        archive.writestr("serialized_exported_program.json", text)
        archive.write(tmp_path / "state.pt", "serialized_state_dict.pt")
        archive.writestr("version", "5.3")

    assert edges_of(built(tmp_path / "m.pt2").networks) == CASES["residual"].edges


def test_layouts_find_the_kernels(tmp_path: Path) -> None:
    forked, mixed = (
        (saved(CASES[name], tmp_path / f"{name}.pt2").state_dict(), built(tmp_path / f"{name}.pt2"))
        for name in ("forked", "mixed")
    )
    (network,) = forked[1].networks
    up = kernels(network, forked[0], "up")
    assert torch.equal(up, forked[0]["up.weight"].reshape(1, 5, 2, 4).transpose(1, 2))
    (network,) = mixed[1].networks
    state = mixed[0]
    assert torch.equal(kernels(network, state, "a"), state["a"].reshape(1, 6, 5, 1))
    assert torch.equal(kernels(network, state, "c"), state["c"].T.reshape(1, 3, 7, 1))


def test_the_computed_kernels_of_a_weight_norm_have_no_layout(tmp_path: Path) -> None:
    saved(CASES["normed"], tmp_path / "m.pt2")
    (network,) = built(tmp_path / "m.pt2").networks
    first, second = network.calls
    assert (first.name, first.layout) == ("0", None)
    assert second.layout is not None


def test_norms_and_biases_are_named(tmp_path: Path) -> None:
    saved(CASES["mlp"], tmp_path / "m.pt2")
    (network,) = built(tmp_path / "m.pt2").networks
    (norm,) = (op for op in network.operations if isinstance(op, Norm))
    assert norm.tensors == ("2.weight", "2.bias", "2.running_mean", "2.running_var")
    assert [call.bias for call in network.calls] == ["0.bias", "3.bias"]


class Branching(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem, self.a = nn.Linear(3, 4), nn.Linear(4, 4)
        self.b, self.head = nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        mixed = torch.cond(x.sum() > 0, lambda h: self.a(h), lambda h: self.b(h) + h, (h,))
        made: Tensor = self.head(mixed)
        return made


def test_both_branches_of_a_condition_are_followed(tmp_path: Path) -> None:
    saved(Case(Branching, (torch.randn(2, 3),), {}), tmp_path / "m.pt2")
    assert edges_of(built(tmp_path / "m.pt2").networks) == {
        ("stem.weight", "a.weight"): each(4),
        ("stem.weight", "b.weight"): each(4),
        ("a.weight", "head.weight"): each(4),
        ("b.weight", "head.weight"): each(4),
        ("stem.weight", "head.weight"): each(4),
    }


class InPlace(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(3, 4), nn.Linear(3, 2), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.a(x)
        h[:, 1:3] = self.b(x)
        h.relu_()
        made: Tensor = self.c(h)
        return made


def test_what_is_overwritten_in_place_is_read_no_more(tmp_path: Path) -> None:
    saved(Case(InPlace, (torch.randn(2, 3),), {}), tmp_path / "m.pt2")
    assert edges_of(built(tmp_path / "m.pt2").networks) == {
        ("a.weight", "c.weight"): {(0, 0), (3, 3)},
        ("b.weight", "c.weight"): {(0, 1), (1, 2)},
    }


class Unknown(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.c(self.b(torch.linalg.matrix_exp(self.a(x))))
        return made


def test_what_is_not_followed_spoils_only_what_reads_it(tmp_path: Path) -> None:
    saved(Case(Unknown, (torch.randn(4, 4),), {}), tmp_path / "m.pt2")

    found = built(tmp_path / "m.pt2")

    (network,) = found.networks
    assert [call.name for call in network.calls] == ["a", "c"]
    assert network.group("a").exposed
    (unplaced,) = found.unplaced
    assert unplaced.tensor == "b.weight"
    assert "linalg_matrix_exp" in unplaced.reason


def _altered(value: Any, dice: random.Random) -> Any:
    """A JSON value with one part replaced by something of another type or size."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        return {**value, key: _altered(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        place = dice.randrange(len(value))
        return [*value[:place], _altered(value[place], dice), *value[place + 1 :]]
    return dice.choice([None, -1, 10**15, 1.5, "x", [], {}, [[]], True, {"as_int": -(10**12)}])


@pytest.mark.parametrize("name", ["convolutional", "attending", "LSTM"])
def test_a_graph_of_any_content_ends_in_a_network_or_a_reason(name: str, tmp_path: Path) -> None:
    saved(CASES[name], tmp_path / "whole.pt2")
    dice = random.Random(0)
    with zipfile.ZipFile(tmp_path / "whole.pt2") as archive:
        members = {member: archive.read(member) for member in archive.namelist()}
    (graph,) = (member for member in members if member.endswith("models/model.json"))
    for _ in range(150):
        altered = json.dumps(_altered(json.loads(members[graph]), dice))
        with zipfile.ZipFile(tmp_path / "m.pt2", "w") as archive:
            for member, content in members.items():
                archive.writestr(member, altered if member == graph else content)
        for network in built(tmp_path / "m.pt2").networks:
            assert network.reason or any(isinstance(op, Call) for op in network.operations)
