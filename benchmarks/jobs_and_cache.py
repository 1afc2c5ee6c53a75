"""How much sooner two jobs and a warm cache are done, and what a large unchanged file takes.

Usage: python benchmarks/jobs_and_cache.py [FILES] [GIGABYTES]

Writes FILES checkpoints (300 of 1.7 MB), half of them safetensors, and one of GIGABYTES.
Every run is a process of its own; each figure is the quickest of `ROUNDS`. The start of modlint,
which no cache spares, is measured on an empty folder and shown beside.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import xxhash
from safetensors.torch import save_file

ROUNDS = 3
_PIECE = 1 << 22


def write_checkpoints(folder: Path, files: int) -> None:
    """Small convolutional networks with random weights."""
    folder.mkdir()
    for seed in range(files):
        torch.manual_seed(seed)
        state = network().state_dict()
        if seed % 2:
            torch.save(state, folder / f"net{seed:03}.pt")
        else:
            save_file(state, folder / f"net{seed:03}.safetensors", metadata={"format": "pt"})


def network() -> torch.nn.Module:
    """A network of 430,000 parameters in 30 tensors."""
    layers: list[torch.nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 64), (64, 128), (128, 128), (128, 128)):
        layers += [torch.nn.Conv2d(before, after, 3), torch.nn.BatchNorm2d(after), torch.nn.ReLU()]
    return torch.nn.Sequential(*layers, torch.nn.Flatten(), torch.nn.Linear(128, 10))


def seconds(folder: Path, cache: Path, *arguments: str) -> float:
    """Wall time of one run."""
    command = [sys.executable, "-P", "-m", "modlint", "check", str(folder), "--isolated"]
    command += ["--output-format=concise", "--exit-zero", f"--cache-dir={cache}", *arguments]
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return time.perf_counter() - start


def quickest(*arguments: object, rounds: int = ROUNDS) -> float:
    """The quickest of some runs."""
    return min(seconds(*arguments) for _ in range(rounds))  # type: ignore[arg-type]


def hashing(path: Path) -> float:
    """Wall time of hashing a file."""
    start = time.perf_counter()
    digest = xxhash.xxh3_128()
    with path.open("rb", buffering=0) as file:
        buffer = memoryview(bytearray(_PIECE))
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
    return time.perf_counter() - start


def many(root: Path, files: int, start: float) -> None:
    """Jobs, and the cache, on many files."""
    folder, cache = root / "many", root / "cache"
    write_checkpoints(folder, files)
    one = quickest(folder, cache, "-j1", "--no-cache")
    two = quickest(folder, cache, "-j2", "--no-cache")
    cold = seconds(folder, cache, "-j1")
    warm = quickest(folder, cache)
    print(f"{files} files, -j 1: {one:.2f} s; -j 2: {two:.2f} s; ratio {one / two:.2f}")
    print(f"  first run with a cache {cold:.2f} s; second {warm:.2f} s; ratio {cold / warm:.1f}")
    print(f"  less the start: ratio {(cold - start) / max(warm - start, 1e-3):.1f}")


def large(root: Path, gigabytes: float, start: float) -> None:
    """The cache on one large file."""
    folder, cache = root / "large", root / "cache"
    folder.mkdir()
    path = folder / "large.safetensors"
    rows = int(gigabytes * 2**30 / 4 / 4096 / 16)
    save_file({f"l{i}.weight": torch.randn(rows, 4096) for i in range(16)}, path)
    cold = seconds(folder, cache)
    digest = min(hashing(path) for _ in range(ROUNDS))
    known = quickest(folder, cache)
    touched = []
    for _ in range(ROUNDS):
        os.utime(path)
        touched.append(seconds(folder, cache))
    print(f"{gigabytes:g} GiB: first run {cold:.2f} s; hashing alone {digest:.2f} s")
    print(
        f"  touched: {min(touched):.2f} s, {(min(touched) - start) / digest:.2f} of hashing"
        f" beside the start; unchanged: {known:.2f} s"
    )


def main(files: int = 300, gigabytes: float = 1.0) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "empty").mkdir()
        start = quickest(root / "empty", root / "cache")
        print(f"start: {start:.2f} s")
        many(root, files, start)
        large(root, gigabytes, start)


if __name__ == "__main__":
    main(*(kind(text) for kind, text in zip((int, float), sys.argv[1:], strict=False)))
