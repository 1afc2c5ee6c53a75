"""Break copies of the healthy networks, each in one way that happens.

Usage: python break_them.py HEALTHY BROKEN
"""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import onnx
from onnx import numpy_helper
from safetensors.torch import load_file, save_file

DEAD_UNITS = range(0, 64, 4)

# A pickle that, loaded, would run a command: GLOBAL os.system, the argument, TUPLE1, REDUCE, POP.
COMMAND = b"echo this checkpoint could have run anything"
CALL = b"cos\nsystem\nX" + len(COMMAND).to_bytes(4, "little") + COMMAND + b"\x85R0"
STOP = b"."


def put_nan(healthy: Path, broken: Path) -> None:
    """Put a NaN into a weight, as a diverged training run does."""
    weights = load_file(healthy)
    weights["fc2.weight"][17, 3] = float("nan")
    save_file(weights, broken)


def kill_units(healthy: Path, broken: Path) -> None:
    """Zero a quarter of a layer's units, as pruning without removing them does."""
    model = onnx.load(healthy)
    for tensor in model.graph.initializer:
        values = numpy_helper.to_array(tensor).copy()
        if tensor.name in ("fc3.weight", "fc3.bias"):
            values[DEAD_UNITS] = 0
        elif tensor.name == "fc4.weight":
            values[:, DEAD_UNITS] = 0
        tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
    onnx.save(model, broken)


def smuggle_call(healthy: Path, broken: Path) -> None:
    """Have the pickle run a command before it yields the weights, as an attacker does."""
    with zipfile.ZipFile(healthy) as source, zipfile.ZipFile(broken, "w") as target:
        for member in source.infolist():
            content = source.read(member)
            if member.filename.endswith("/data.pkl"):
                content = content.removesuffix(STOP) + CALL + STOP
            target.writestr(member, content)


def truncate(healthy: Path, broken: Path) -> None:
    """Cut the file, as an interrupted download does."""
    content = healthy.read_bytes()
    broken.write_bytes(content[: len(content) * 2 // 3])


def leave_pointer(healthy: Path, broken: Path) -> None:
    """Leave the pointer that `git clone` writes where Git LFS is not set up."""
    broken.write_text(
        "version https://git-lfs.github.com/spec/v1\n"
        f"oid sha256:{'0123456789abcdef' * 4}\n"
        f"size {healthy.stat().st_size}\n"
    )


def main(healthy: Path, broken: Path) -> None:
    """Write every broken sibling."""
    broken.mkdir(parents=True, exist_ok=True)
    put_nan(healthy / "mlp.safetensors", broken / "nan.safetensors")
    kill_units(healthy / "mlp.onnx", broken / "dead-units.onnx")
    smuggle_call(healthy / "mlp.pt", broken / "unsafe.pt")
    truncate(healthy / "cnn.pt", broken / "truncated.pt")
    leave_pointer(healthy / "cnn.safetensors", broken / "not-downloaded.safetensors")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
