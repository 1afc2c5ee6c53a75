"""How much memory `modlint inspect` adds for a large checkpoint over a small one.

Usage: python benchmarks/memory.py [FOLDER]

Writes a checkpoint of 2 GB and one of 1 MB in each format, to FOLDER or a temporary one, and
compares the peak resident memory of `modlint inspect` on them. The exit code is 1 where the large
one adds `MAX_ADDED` bytes or more. Other processes write the checkpoints: the peak that Linux
reports for a child begins at its parent's, so this one stays small.
"""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_ADDED = 100_000_000
SIZES = {"small": 1_000_000, "large": 2_000_000_000}  # bytes
TENSORS = 8
MODLINT = str(Path(sys.executable).with_name("modlint"))
SUFFIXES = (".pt", ".safetensors")


def write(path: Path, nbytes: int) -> None:
    """Write a checkpoint of `TENSORS` float32 tensors that together occupy `nbytes`."""
    import torch
    from safetensors.torch import save_file

    elements = nbytes // TENSORS // 4
    weights = {f"layer{i}.weight": torch.zeros(elements) for i in range(TENSORS)}
    save = torch.save if path.suffix == ".pt" else save_file
    save(weights, path)


def peak(path: Path) -> int:
    """Peak resident memory of `modlint inspect`, in bytes."""
    process = subprocess.Popen((MODLINT, "inspect", path), stdout=subprocess.PIPE)
    with process.stdout as output:
        shown = output.read()
    _, status, usage = os.wait4(process.pid, 0)
    if status or b"layer0.weight" not in shown:
        raise SystemExit(f"modlint inspect {path} did not show its tensors")
    return usage.ru_maxrss * 1024


def main(folder: Path) -> int:
    """Print a line for each format."""
    context = multiprocessing.get_context("spawn")
    worst = 0
    for suffix in SUFFIXES:
        peaks = {}
        for name, nbytes in SIZES.items():
            path = folder / f"{name}{suffix}"
            writer = context.Process(target=write, args=(path, nbytes))
            writer.start()
            writer.join()
            peaks[name] = peak(path)
            path.unlink()
        added = peaks["large"] - peaks["small"]
        ratio = peaks["large"] / peaks["small"]
        measured = ", ".join(f"{name} {value / 1e6:.1f} MB" for name, value in peaks.items())
        print(f"{suffix:<12} {measured}, added {added / 1e6:+.1f} MB, × {ratio:.2f}")
        worst = max(worst, added)
    return int(worst >= MAX_ADDED)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(Path(temporary)))
