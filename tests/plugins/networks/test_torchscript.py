"""Networks of TorchScript archives, traced and scripted, against edges written by hand."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import pytest
import torch
from aten_networks import CASES, Case, built, each, edges_of, flat, kernels
from torch import Tensor, nn
from torch.nn import functional

from modlint.network import Call

pytestmark = pytest.mark.filterwarnings("ignore")


def traced(case: Case, path: Path) -> nn.Module:
    module = case.module().eval()
    with torch.no_grad():
        made = torch.jit.trace(module, case.inputs, check_trace=False)  # type: ignore[no-untyped-call]
    made.save(path)
    return module


def scripted(module: nn.Module, path: Path) -> nn.Module:
    torch.jit.script(module.eval()).save(path)  # type: ignore[no-untyped-call]
    return module


@pytest.mark.parametrize("name", CASES)
def test_edges_of_a_trace(name: str, tmp_path: Path) -> None:
    traced(CASES[name], tmp_path / "m.pt")

    found = built(tmp_path / "m.pt")

    assert edges_of(found.networks) == CASES[name].edges
    assert not found.unplaced
    assert {network.source for network in found.networks} == {"torchscript"}


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.scripted])
def test_edges_of_a_script(name: str, tmp_path: Path) -> None:
    scripted(CASES[name].module(), tmp_path / "m.pt")

    found = built(tmp_path / "m.pt")

    assert edges_of(found.networks) == CASES[name].edges
    assert not found.unplaced


def test_layouts_find_the_kernels(tmp_path: Path) -> None:
    state = traced(CASES["forked"], tmp_path / "m.pt").state_dict()
    (network,) = built(tmp_path / "m.pt").networks
    up = kernels(network, state, "up")
    assert torch.equal(up, state["up.weight"].reshape(1, 5, 2, 4).transpose(1, 2))


class Sized(nn.Module):
    """Reads images of one size only."""

    def __init__(self, side: int) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, 2, 5), nn.Linear(2 * (side - 4) ** 2, 3)

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.fc(torch.flatten(functional.relu(self.conv(x)), 1))
        return made


@pytest.mark.parametrize("side", [9, 20, 33, 57])
def test_the_size_of_an_image_is_found(side: int, tmp_path: Path) -> None:
    scripted(Sized(side), tmp_path / "m.pt")
    edges = edges_of(built(tmp_path / "m.pt").networks)
    assert edges == {("conv.weight", "fc.weight"): flat(2, (side - 4) ** 2)}


def test_a_number_of_examples_that_a_trace_has_fixed(tmp_path: Path) -> None:
    class Fixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.a, self.b = nn.Linear(4, 6), nn.Linear(3, 2)

        def forward(self, x: Tensor) -> Tensor:
            made: Tensor = self.b(self.a(x).view(3, 2, 3)[:, 1])
            return made

    traced(Case(Fixed, (torch.randn(3, 4),), {}), tmp_path / "m.pt")
    assert edges_of(built(tmp_path / "m.pt").networks) == {
        ("a.weight", "b.weight"): each(3, channel=3)
    }


class Deciding(nn.Module):
    """A loop, a choice that is fixed, one that depends on the input, and lists."""

    def __init__(self, wide: bool) -> None:
        super().__init__()
        self.wide = wide
        self.stem, self.a, self.b = nn.Linear(3, 4), nn.Linear(4, 4), nn.Linear(4, 4)
        self.blocks = nn.ModuleList([nn.Linear(4, 4) for _ in range(2)])
        self.head = nn.Linear(8, 2)

    def forward(self, x: Tensor) -> Tensor:
        h = self.stem(x)
        if self.wide:
            h = self.a(h)
        if h.sum() > 0:
            h = self.b(h)
        parts = [h]
        for block in self.blocks:
            parts.append(block(parts[-1]))
        made: Tensor = self.head(torch.cat([parts[0], parts[2]], -1))
        return made


@pytest.mark.parametrize("wide", [True, False])
def test_choices_loops_and_lists(wide: bool, tmp_path: Path) -> None:
    scripted(Deciding(wide), tmp_path / "m.pt")
    entry = "a.weight" if wide else "stem.weight"
    expected = {
        (entry, "b.weight"): each(4),
        (entry, "blocks.0.weight"): each(4),
        ("b.weight", "blocks.0.weight"): each(4),
        ("blocks.0.weight", "blocks.1.weight"): each(4),
        (entry, "head.weight"): each(4),
        ("b.weight", "head.weight"): each(4),
        ("blocks.1.weight", "head.weight"): each(4, first=4),
    }
    if wide:
        expected["stem.weight", "a.weight"] = each(4)
    assert edges_of(built(tmp_path / "m.pt").networks) == expected


class Joined(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right, self.head = nn.Linear(3, 4), nn.Linear(5, 6), nn.Linear(10, 2)

    def forward(self, left: Tensor, pair: tuple[Tensor, Tensor], scale: float = 2.0) -> Tensor:
        both = torch.cat([self.left(left), self.right(pair[0] + pair[1])], 1)
        made: Tensor = self.head(both.clamp(min=0.0) * scale)
        return made


def test_several_inputs_and_defaults(tmp_path: Path) -> None:
    scripted(Joined(), tmp_path / "m.pt")
    assert edges_of(built(tmp_path / "m.pt").networks) == {
        ("left.weight", "head.weight"): each(4),
        ("right.weight", "head.weight"): each(6, first=4),
    }


def test_a_constant_in_the_code(tmp_path: Path) -> None:
    module = torch.jit.script(CASES["residual"].module().eval())
    torch.jit.freeze(module).save(tmp_path / "m.pt")

    (network,) = built(tmp_path / "m.pt").networks

    assert [(call.rows, call.columns) for call in network.calls] == [(6, 4), (9, 6), (6, 9), (2, 6)]
    assert len(edges_of([network])) == 4


class Raising(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.a = nn.Linear(3, 4)

    def forward(self, x: Tensor) -> Tensor:
        if x.dim() != 9:
            raise ValueError("nine axes")
        made: Tensor = self.a(x)
        return made


def test_code_that_raises_is_a_reason(tmp_path: Path) -> None:
    scripted(Raising(), tmp_path / "m.pt")
    (network,) = built(tmp_path / "m.pt").networks
    assert "raises" in (network.reason or "")


def _rewritten(source: Path, target: Path, change: dict[str, bytes]) -> None:
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for member in old.namelist():
            new.writestr(member, change.get(member, old.read(member)))


@pytest.mark.parametrize(
    "body",
    [
        "    while True:\n      x = torch.relu(x)\n    return x\n",
        "    return (self).forward(x, )\n",
        "    a = [1]\n    for i in range(500):\n      a = torch.add(a, a)\n    return x\n",
        "    a = 2\n    for i in range(500):\n      a = torch.mul(a, a)\n    return x\n",
        "    return torch.zeros([99999999999, 99999999999, 99999999999])\n",
        "    return torch.view(x, [-5, -7])\n",
        "    return " + "(" * 80 + "x" + ")" * 80 + "\n",
        "    return " + "torch.relu(" * 2000 + "x" + ")" * 2000 + "\n",
        "    import os\n    return os.system(x)\n",
        "    return CONSTANTS.c99999999999999999999\n",
        "    x[0] = lambda: 1\n    return x\n",
        "    return self.weight.nothing.at.all(x)\n",
        "    return torch.expand(torch.linear(x, self.weight), [9999999, 9999999, 9999999, 4])\n",
        "  def",
        "\0",
    ],
)
def test_code_of_any_content_is_followed_or_refused(body: str, tmp_path: Path) -> None:
    scripted(nn.Sequential(nn.Linear(3, 4)), tmp_path / "whole.pt")
    with zipfile.ZipFile(tmp_path / "whole.pt") as archive:
        names = [n for n in archive.namelist() if n.endswith(".py") and "linear" in n]
        text = archive.read(names[0]).decode()
    start = text.index("\n", text.index("-> Tensor:")) + 1
    altered = (text[:start] + body).encode()
    _rewritten(tmp_path / "whole.pt", tmp_path / "m.pt", {names[0]: altered})
    for network in built(tmp_path / "m.pt").networks:
        assert network.reason or network.calls


@pytest.mark.parametrize("name", ["convolutional", "attending", "LSTM"])
def test_altered_code_ends_in_a_network_or_a_reason(name: str, tmp_path: Path) -> None:
    scripted(CASES[name].module(), tmp_path / "whole.pt")
    dice = random.Random(0)
    with zipfile.ZipFile(tmp_path / "whole.pt") as archive:
        texts = {n: archive.read(n) for n in archive.namelist() if n.endswith(".py")}
    for _ in range(40):
        member = dice.choice(list(texts))
        words = texts[member].split(b" ")
        for _ in range(3):
            words[dice.randrange(len(words))] = dice.choice(words)
        _rewritten(tmp_path / "whole.pt", tmp_path / "m.pt", {member: b" ".join(words)})
        for network in built(tmp_path / "m.pt").networks:
            assert network.reason or any(isinstance(op, Call) for op in network.operations)


class Chosen(nn.Module):
    """Two networks, of which a number given with the input chooses one."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 2))
        self.second = nn.Sequential(nn.Linear(3, 5), nn.ReLU(), nn.Linear(5, 2))

    def forward(self, x: Tensor, which: int) -> Tensor:
        made: Tensor = self.first(x) if which == 1 else self.second(x)
        return made


def test_a_submodule_that_is_not_called_is_a_network_of_its_own(tmp_path: Path) -> None:
    scripted(Chosen(), tmp_path / "m.pt")
    found = built(tmp_path / "m.pt")
    assert [network.id for network in found.networks] == ["0", "part 1"]
    assert edges_of(found.networks) == {
        ("first.0.weight", "first.2.weight"): each(4),
        ("second.0.weight", "second.2.weight"): each(5),
    }
