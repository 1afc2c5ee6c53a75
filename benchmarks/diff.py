"""How often `modlint diff` goes over two checkpoints, and how long it takes.

Usage: python benchmarks/diff.py [MEGABYTES] [FOLDER]

Writes two float32 checkpoints of MEGABYTES (1,000 by default) to FOLDER or a temporary one: a
model and copies of it that were tuned, cast to bfloat16, renamed and transposed, and left as they
are. For each it prints how many bytes were taken from both files for each byte that they hold (the
tensors alone, and with the rules), the seconds beside those of one plain numpy sum over both, and
the peak memory. The exit code is 1 where a comparison takes more than `MOST` passes.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST = 2.5
LAYERS = 8
NEW = ("tuned", "cast", "renamed", "same")


def write(folder: Path, megabytes: int) -> None:
    """Write the model and its copies."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(0)
    side = int((megabytes * 1e6 / 4 / LAYERS / 8) ** 0.5)
    shapes = {"up": (4 * side, side), "down": (side, 4 * side)}
    state = {
        f"layers.{i}.{name}.weight": 0.02 * torch.randn(shape)
        for i in range(LAYERS)
        for name, shape in shapes.items()
    }
    save_file(state, folder / "old.safetensors")
    save_file(state, folder / "same.safetensors")
    save_file(
        {n: v + 1e-4 * torch.randn_like(v) for n, v in state.items()}, folder / "tuned.safetensors"
    )
    save_file({n: v.bfloat16() for n, v in state.items()}, folder / "cast.safetensors")
    renamed = {f"t{i}": v.t().contiguous() for i, v in enumerate(state.values())}
    save_file(renamed, folder / "renamed.safetensors")


class Memory:
    """The most memory that the process holds beside mapped files, looked at 100 times a second."""

    def __init__(self) -> None:
        self.most = self.now()
        self.done = threading.Event()
        self.thread = threading.Thread(target=self.watch, daemon=True)
        self.thread.start()

    def watch(self) -> None:
        """Look until told to stop."""
        while not self.done.wait(0.01):
            self.most = max(self.most, self.now())

    def peak(self) -> float:
        """What it was, in MB."""
        self.done.set()
        self.thread.join()
        return self.most

    @staticmethod
    def now() -> float:
        """Anonymous memory, in MB, as Linux reports it."""
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("RssAnon"))
        return int(line.split()[1]) / 1e3


def measure(old: Path, new: Path, *, rules: bool) -> tuple[float, float, float]:
    """Passes over both, seconds, and peak memory beside mapped files in MB."""
    import modlint
    from modlint.engine import visit
    from modlint.numerics.compare import blocks, drift

    taken = 0

    def counted(give: Any) -> Any:
        def blocks_of(*arrays: Any) -> Iterator[Any]:
            nonlocal taken
            for found in give(*arrays):
                taken += sum(part.nbytes for part in found[:2])
                yield found

        return blocks_of

    def visited(give: Any) -> Any:
        def parts_of(device: Any, tensor: Any) -> Any:
            nonlocal taken
            taken += tensor.nbytes
            return give(device, tensor)

        return parts_of

    plain = blocks.blocks
    blocks.blocks = drift.blocks = counted(plain)
    visit.parts_on = visited(visit.parts_on)
    memory = Memory()
    started = time.perf_counter()
    found = modlint.diff(old, new, run_rules=rules)
    seconds = time.perf_counter() - started
    print(f"  {found.relation}: {found.why}", file=sys.stderr)
    held = old.stat().st_size + new.stat().st_size
    return taken / held, seconds, memory.peak()


def summed(*paths: Path) -> float:
    """Seconds of one plain sum over files, after one to warm up."""
    import numpy as np

    for _ in range(2):
        started = time.perf_counter()
        for path in paths:
            values = np.memmap(path, np.uint8, mode="r")
            values = values[: len(values) // 4 * 4].view(np.float32)
            for start in range(0, len(values), 1 << 16):
                values[start : start + (1 << 16)].sum()
    return time.perf_counter() - started


def main() -> int:
    """Print a table."""
    if sys.argv[1:2] == ["measure"]:
        old, new = map(Path, sys.argv[2:4])
        passes, seconds, peak = measure(old, new, rules=sys.argv[4] == "rules")
        print(f"{passes} {seconds} {peak} {summed(old, new)}")
        return 0
    megabytes = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as name:
        folder = Path(name)
        write(folder, megabytes)
        print("| new | rules | passes | seconds | a sum | beside the files |")
        print("|---|---|---|---|---|---|")
        worst = 0.0
        for new in NEW:
            for rules in ("", "rules"):
                paths = [str(folder / f"{kind}.safetensors") for kind in ("old", new)]
                run = subprocess.run(
                    [sys.executable, __file__, "measure", *paths, rules or "none"],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                passes, seconds, peak, plain = map(float, run.stdout.split())
                worst = max(worst, passes)
                numbers = f"{passes:.2f} | {seconds:.1f} s | {plain:.1f} s | {peak:.0f} MB"
                print(f"| {new} | {rules or '–'} | {numbers} |", flush=True)
    return int(worst > MOST)


if __name__ == "__main__":
    sys.exit(main())
