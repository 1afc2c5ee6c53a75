"""Nothing in a file is executed: every hostile file is checked under an audit hook."""

from __future__ import annotations

import bz2
import gzip
import json
import lzma
import os
import pickle
import subprocess
import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper
from safetensors.torch import save_file
from threats import THREATS

SCRIPT = Path(__file__).with_name("audited_check.py")
HEAVY = {
    "10: a million members",
    "10: pickles that share their deflated bytes, more than 2 GiB of them",
    "23: ten million opcodes",
    "8: the directory lies behind half a gigabyte",
}


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of each format, for whose sake modlint imports all that it needs."""
    folder = tmp_path_factory.mktemp("clean")
    net = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    torch.save(net.state_dict(), folder / "zip.pt")
    torch.save({"n": net, "a": np.ones(3)}, folder / "module.pt")
    torch.save(net.state_dict(), folder / "old.pt", _use_new_zipfile_serialization=False)
    with warnings.catch_warnings(action="ignore"):  # TorchScript is deprecated
        torch.jit.trace(net, torch.ones(1, 3)).save(str(folder / "script.pt"))
    save_file(net.state_dict(), folder / "net.safetensors")
    np.savez_compressed(folder / "arrays.npz", a=np.ones(3), b=np.array([{}], dtype=object))
    (folder / "broken.pt").write_bytes(b"\x80\x02cos\nsystem\n\xff")
    (folder / "plain.ckpt").write_bytes(pickle.dumps({"a": np.ones(3)}))
    weight = numpy_helper.from_array(np.ones((3, 2), np.float32), "w")
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 3])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 2])
    graph = helper.make_graph([node], "g", [x], [y], [weight])
    onnx.save(helper.make_model(graph), folder / "net.onnx")
    (folder / "config.yaml").write_text("a: !x [b]\n")
    (folder / "chat_template.jinja").write_text("{{ x }}")
    (folder / "text.pt").write_text("not a checkpoint")
    content = (folder / "zip.pt").read_bytes()
    (folder / "a.pt").write_bytes(gzip.compress(content))
    (folder / "b.pt").write_bytes(bz2.compress(content))
    (folder / "c.pt").write_bytes(lzma.compress(content))
    return folder


def audited(clean: Path, paths: Sequence[Path], select: str) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, SCRIPT, clean, select, *paths],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not run.returncode, run.stderr
    result: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return result


def hostile_files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


def threat_files(folder: Path) -> list[Path]:
    paths = []
    for number, threat in enumerate(THREATS):
        if threat.id not in HEAVY:
            (folder / str(number)).mkdir()
            paths.append(threat.write(folder / str(number))[0])
    return paths


@pytest.fixture(scope="module")
def threats_checked(clean: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return audited(clean, threat_files(tmp_path_factory.mktemp("threats")), "SEC,FMT")


def test_threats_execute_nothing(threats_checked: dict[str, Any]) -> None:
    assert threats_checked["events"] == []
    assert not threats_checked["broken"]


def test_hostile_corpus_executes_nothing(clean: Path, shared: Path) -> None:
    result = audited(clean, hostile_files(shared / "hostile"), "ALL")
    assert result["events"] == []
    assert not result["broken"]


def test_structure_needs_no_torch(threats_checked: dict[str, Any]) -> None:
    """And nothing that the files name is imported on the way."""
    named = {"pip", "joblib", "idlelib", "pty", "nt", "imaplib", "timeit", "thirdparty"}
    assert not set(threats_checked["modules"]) & {"torch", *named}


def test_the_hook_sees_what_it_should(clean: Path, tmp_path: Path) -> None:
    """A plugin's reader that unpickles is caught: the test above can fail."""
    (tmp_path / "evil.pkl").write_bytes(b"cposix\ngetpid\n(tR.")
    script = (
        "import runpy, sys, pickle, modlint.engine.load as loading\n"
        "real = loading.open_source\n"
        "def unsafe(path):\n"
        "    if path.name == 'evil.pkl':\n"
        "        pickle.loads(path.read_bytes()); open(path.with_name('w'), 'w').close()\n"
        "    return real(path)\n"
        "loading.open_source = unsafe\n"
        f"sys.argv = ['x', {str(clean)!r}, 'SEC,FMT', {str(tmp_path / 'evil.pkl')!r}]\n"
        f"sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
        f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    events = json.loads(run.stdout.splitlines()[-1])["events"]
    assert any(event.startswith("pickle.find_class") for event in events)
    assert any(event.startswith("open") for event in events)
