"""Programs of torch.export, saved by torch itself, and the older layout built by hand."""

from __future__ import annotations

import io
import json
import pickle
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from modlint.checkpoint import Checkpoint, Status

Read = Callable[[Path], Checkpoint]


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = torch.nn.Linear(3, 2)
        self.norm = torch.nn.BatchNorm1d(2)
        self.scale = torch.nn.Parameter(torch.ones(2, dtype=torch.bfloat16))
        self.turned = torch.nn.Parameter(torch.arange(6.0).reshape(3, 2).T)
        self.constant = torch.arange(3.0)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.norm(self.fc(x + self.constant)) * self.scale + self.turned.sum()


@pytest.fixture(scope="module")
def program() -> Any:
    return torch.export.export(Model().eval(), (torch.ones(4, 3),))


def save(program: Any, path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.export.save(program, path)


def test_archive(tmp_path: Path, program: Any, load_any: Read, assert_same_elements: Any) -> None:
    path = tmp_path / "model.pt2"
    save(program, path)

    checkpoint = load_any(path)

    assert checkpoint.status is Status.CHECKED
    assert checkpoint.format == "exported-program"
    assert not checkpoint.faults
    theirs = torch.export.load(path)
    assert_same_elements(checkpoint, {**theirs.state_dict, **theirs.constants})
    turned = checkpoint.tensors["turned"]
    assert turned.strides == theirs.state_dict["turned"].stride()
    assert any("sample_inputs" in (trace.member or "") for trace in checkpoint.pickles)


def older(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)


@pytest.mark.parametrize("extension", [".pt", ".json"])
def test_older_layout(
    tmp_path: Path,
    load_any: Read,
    hostile: object,
    assert_same_elements: Any,
    extension: str,
) -> None:
    path = tmp_path / "model.pt2"
    state = Model().state_dict()
    stream = io.BytesIO()
    torch.save(state, stream)
    members = {
        "serialized_exported_program.json": b"{}",
        f"serialized_state_dict{extension}": stream.getvalue(),
        "serialized_example_inputs.pt": pickle.dumps(hostile),
        "version": b"5.1",
    }
    older(path, members)

    checkpoint = load_any(path)

    assert checkpoint.format == "exported-program"
    assert_same_elements(checkpoint, state)
    uses = {(t.member, use.qualified) for t in checkpoint.pickles for use in t.uses}
    assert ("serialized_example_inputs.pt", "posix.system") in uses


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (b'"as_int": 2', b'"as_int": 9', "outside of its storage"),
        (b'"dtype": 7', b'"dtype": 99', "not described"),
        (b"weight_0", b"weight_9", "missing"),
    ],
)
def test_table_that_lies(
    tmp_path: Path, program: Any, load_any: Read, old: bytes, new: bytes, kind: str
) -> None:
    path = tmp_path / "model.pt2"
    save(program, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    table = next(name for name in members if name.endswith("model_weights_config.json"))
    members[table] = members[table].replace(old, new)
    older(path, members)

    checkpoint = load_any(path)

    assert any(kind in fault.message for fault in checkpoint.faults)


@pytest.mark.parametrize("what", ["data/sample_inputs/model.pt", "data/weights/evil"])
def test_a_table_exempts_no_member(
    tmp_path: Path, program: Any, load_any: Read, hostile: object, what: str
) -> None:
    """A further table calls a pickle a tensor's bytes; its loader unpickles it all the same."""
    path = tmp_path / "model.pt2"
    save(program, path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    root = next(iter(members)).partition("/")[0]
    evil = next((name for name in members if name.endswith(what)), f"{root}/{what}")
    folder, leaf = evil.rsplit("/", 1)
    members[evil] = pickle.dumps(hostile)
    meta = {"dtype": 1, "sizes": [], "strides": [], "storage_offset": {"as_int": 0}}
    table = {"config": {"x": {"path_name": leaf, "use_pickle": False, "tensor_meta": meta}}}
    members[f"{folder}/other_weights_config.json"] = json.dumps(table).encode()
    older(path, members)

    checkpoint = load_any(path)

    uses = {(t.member, use.qualified) for t in checkpoint.pickles for use in t.uses}
    assert (evil, "posix.system") in uses
    assert "fc.weight" in checkpoint.tensors
