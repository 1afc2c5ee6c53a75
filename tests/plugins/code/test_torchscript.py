"""TorchScript that torch writes is silent; what touches files is not."""

from __future__ import annotations

import enum
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from importlib import resources
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from torch import nn

from modlint.checkpoint import Remark
from modlint_plugins.code import examine
from modlint_plugins.code.operators import judge_operator
from modlint_plugins.code.torchscript import in_torchscript

SCRIPT = Path(__file__).parents[3] / "scripts/torch_operators.py"


# TorchScript takes no annotations that are text, as those of a class would be here.
Pair = NamedTuple("Pair", [("first", torch.Tensor), ("second", int)])  # noqa: UP014


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


class Everything(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 4, batch_first=True)
        self.attention = nn.MultiheadAttention(4, 2)
        self.norm = nn.LayerNorm(4)
        self.sizes = {"a": 1, "b": 2}

    def forward(self, x: torch.Tensor, names: list[str]) -> tuple[Pair, dict[str, float]]:
        with torch.no_grad():
            y, _ = self.lstm(x)
        z, _ = self.attention(y, y, y)
        future = torch.jit.fork(torch.relu, z)
        total = 0.0
        for name in names:
            if name in self.sizes and not name.startswith("_"):
                total += float(self.sizes[name])
        while total > 10:
            total = total / 2
        assert x.dim() == 3, f"expected three dimensions, got {x.dim()}"
        colour = Colour.RED if total > 1 else Colour.BLUE
        scale = float("inf") if colour == Colour.RED else -1.0
        z = torch.einsum("bij,bij->bij", torch.jit.wait(future), self.norm(z)).clamp(max=scale)
        return Pair(z.to(torch.float16), z.size(0)), {"total": total, "device": float(z.is_cuda)}


class Quantised(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = torch.ao.nn.quantized.dynamic.Linear(4, 4)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.quantize_per_tensor(self.linear(x), 0.1, 0, torch.quint8).dequantize()


class FromFile(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + torch.from_file("/tmp/never-written", True, 4).sum()


class FillsIndices(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sparse = x.to_sparse()
        sparse._indices()[0] = 1_000_000_000_000
        return sparse.to_dense()


class ReadsIndices(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sparse = x.to_sparse()
        indices = sparse.coalesce().indices()
        rows, columns = indices[0], indices[1]
        degrees = torch.zeros_like(x[0]).index_add(0, rows, torch.ones_like(x[0, 0]).expand(1))
        degrees += rows.size(0)
        return torch.mm(sparse, x) * degrees + (columns > 3).sum()


class BuildsSparse(nn.Module):
    def forward(self, indices: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        return torch.sparse_coo_tensor(indices, values, [4, 4]).to_dense()


def remarks(path: Path) -> Iterator[Remark]:
    with zipfile.ZipFile(path) as archive:
        names = frozenset(archive.namelist())
        for name in sorted(names):
            yield from examine(memoryview(archive.read(name)), name, names)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "module", [Everything, Quantised, ReadsIndices, lambda: nn.TransformerEncoderLayer(4, 2)]
)
def test_what_only_computes_is_silent(tmp_path: Path, module: type[nn.Module]) -> None:
    path = tmp_path / "model.pt"
    torch.jit.script(module()).save(path)

    assert list(remarks(path)) == []


@pytest.mark.filterwarnings("ignore")
def test_a_traced_module_is_silent(tmp_path: Path) -> None:
    layers = (nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.GELU(), nn.Flatten(), nn.Dropout())
    torch.jit.trace(nn.Sequential(*layers).eval(), torch.ones(1, 1, 8, 8)).save(tmp_path / "m.pt")

    assert list(remarks(tmp_path / "m.pt")) == []


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    ("module", "what"),
    [(FillsIndices, "changes the indices"), (BuildsSparse, "aten::sparse_coo_tensor")],
)
def test_sparse_indices_that_nothing_checks_are_told(
    tmp_path: Path, module: type[nn.Module], what: str
) -> None:
    torch.jit.script(module()).save(tmp_path / "m.pt")

    (remark,) = remarks(tmp_path / "m.pt")

    assert remark.kind == "unchecked-operator"
    assert what in remark.message


@pytest.mark.filterwarnings("ignore")
def test_reading_a_file_is_told_with_its_place(tmp_path: Path) -> None:
    torch.jit.script(FromFile()).save(tmp_path / "m.pt")

    (remark,) = remarks(tmp_path / "m.pt")

    assert remark.kind == "acting-operator"
    assert "aten::from_file" in remark.message


HEAD = "class M(Module):\n  def forward(self: __torch__.M, x: Tensor) -> Tensor:\n"
SIBLINGS = ("m/code/__torch__.py", "m/constants.pkl", "m/data.pkl")


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ('t = torch.from_file ("/tmp/x", True, 4)', "acting-operator"),
        ('t = torch . from_file(\n      "/tmp/x", True, 4)', "acting-operator"),
        ('t = torch.\\\n      from_file("/tmp/x", True, 4)', "acting-operator"),
        ('t = ops.aten.from_file("/tmp/x", True, 4)', "acting-operator"),
        ('t = ops . aten . save(x, "/tmp/x")', "acting-operator"),
        ("torch.save(x, '/tmp/x')", "acting-operator"),
        ('t = getattr(torch, "from_file")("/tmp/x")', "file-operator"),
        ("f = torch\n    t = f.from_file('/tmp/x')", "acting-operator"),
        ("f = ops\n    t = f.aten.save(x, '/tmp/x')", "file-operator"),
        ("f = ops.aten\n    t = f.save(x, '/tmp/x')", "file-operator"),
        ('t = ops.image.read_file("/tmp/x")', "file-operator"),
        ('t = ops.image.write_file("/tmp/x", x)', "file-operator"),
        ('t = ops.prim.rpc_sync("w", x)', "file-operator"),
        ("t = ops.custom.run(x)", "unknown-operator"),
        ("t = torch.no_such_operator(x)", "unknown-operator"),
        ("t = __torch__.torch.classes.custom.Run(x)", "unknown-operator"),
        ('t = open("/tmp/x")', "acting-code"),
    ],
)
def test_however_an_operator_is_written_it_is_seen(line: str, kind: str) -> None:
    source = f"{HEAD}    {line}\n    return x\n".encode()

    found = list(examine(memoryview(source), "m/code/__torch__.py", SIBLINGS))

    assert kind in [remark.kind for remark in found]


def test_ordinary_python_in_the_place_of_torchscript_is_ordinary_python() -> None:
    source = b"import os\nos.system('echo')\n"

    (remark,) = examine(memoryview(source), "m/code/x.py", SIBLINGS)

    assert remark.kind == "acting-code"


def test_torchscript_is_told_by_what_lies_beside_it() -> None:
    assert in_torchscript("m/code/__torch__/a.py", ())
    assert in_torchscript("m/code/a.py", ("m/constants.pkl",))
    assert in_torchscript("code/a.py", ("constants.pkl",))
    assert not in_torchscript("m/code/a.py", ("m/data.pkl",))
    assert not in_torchscript("handler.py", SIBLINGS)


def test_the_list_holds_the_installed_torch_s_operators() -> None:
    command = [sys.executable, str(SCRIPT), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert not done.returncode, (
        f"run scripts/torch_operators.py; it lacks {done.stdout}{done.stderr}"
    )


def test_no_operator_of_the_list_acts() -> None:
    names = resources.files("modlint_plugins.code").joinpath("torch_operators.txt").read_text()
    listed = [line for line in names.splitlines() if "::" in line]

    assert len(listed) > 1500
    assert all(judge_operator(name) is None for name in listed)
