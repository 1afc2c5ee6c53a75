"""What the statistics of tensors cost: bytes a second, a whole check beside other tools, memory.

Usage: python benchmarks/tensor_statistics.py [--venv DIR] [--folder DIR] [--gigabytes N]
    [--rounds N] [--only throughput|tools|memory] [--output FILE]

DIR of --venv is a virtual environment that holds weightlens and model-clinic; those that it lacks
are left out. Files are written to DIR of --folder, or to a temporary one. Whatever is compared
takes turns, round after round, and the best of the rounds counts: other work on the machine only
ever adds. The exit code is 1 where an aim is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from modlint.analysis.bits import TensorBits
from modlint.analysis.statistics import TensorStatistics
from modlint.engine.load import load
from modlint.engine.registry import load_registry
from modlint.engine.visit import visit

LEAST_RATE = {"float32": 2.3e9, "bfloat16": 1.0e9}
"""Bytes a second of the statistics on one thread."""
LEAST_GAIN = 1.7
"""Of two threads over one."""
MOST_OF_TOOL = {"weightlens": 1 / 5, "model-clinic": 1 / 10}
"""modlint's time over theirs."""
MOST_MEMORY = 300_000_000
"""Bytes beside the mapped files, however large they are."""

WIDTH, BLOCKS = 1024, 24
Run = Callable[[], object]


def transformer(blocks: int, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    """The weights of so many blocks of a GPT-2 of width 1,024; a block has 12.6 million."""
    random = torch.Generator().manual_seed(0)
    shapes = {
        "ln_1.weight": (WIDTH,),
        "attn.c_attn.weight": (WIDTH, 3 * WIDTH),
        "attn.c_attn.bias": (3 * WIDTH,),
        "attn.c_proj.weight": (WIDTH, WIDTH),
        "mlp.c_fc.weight": (WIDTH, 4 * WIDTH),
        "mlp.c_proj.weight": (4 * WIDTH, WIDTH),
    }
    return {
        f"transformer.h.{block}.{name}": (0.02 * torch.randn(shape, generator=random)).to(dtype)
        for block in range(blocks)
        for name, shape in shapes.items()
    }


def best(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """The least seconds of each, which take turns."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(rounds):
        for name, run in runs.items():
            started = time.perf_counter()
            run()
            times[name].append(time.perf_counter() - started)
    return {name: min(taken) for name, taken in times.items()}


def throughput(folder: Path, rounds: int) -> Iterator[tuple[str, bool]]:
    """Lines on the statistics alone, on one thread and two, beside torch."""
    yield "| type | what | 1 thread, GB/s | 2 threads, GB/s | gain |", True
    yield "|---|---|---:|---:|---:|", True
    for name, least in LEAST_RATE.items():
        path = folder / f"{name}.safetensors"
        save_file(transformer(6, getattr(torch, name)), path)
        registry = load_registry()
        (checkpoint,) = load(path, registry.readers, registry.sweeps)
        nbytes = sum(tensor.nbytes for tensor in checkpoint.tensors.values())
        measured = {
            "statistics": (TensorStatistics(),),
            "statistics and bits": (TensorStatistics(), TensorBits()),
        }
        runs: dict[str, Run] = {
            f"{what}, {threads}": _visit(checkpoint, analyses, threads)
            for what, analyses in measured.items()
            for threads in (1, 2)
        }
        runs |= {f"torch, whole tensors, {threads}": _naive(path, threads) for threads in (1, 2)}
        seconds = best(runs, rounds)
        for what in (*measured, "torch, whole tensors"):
            one, two = (nbytes / seconds[f"{what}, {threads}"] for threads in (1, 2))
            good = what != "statistics" or (one >= least and two >= LEAST_GAIN * one)
            yield f"| {name} | {what} | {one / 1e9:.2f} | {two / 1e9:.2f} | {two / one:.2f} |", good
        path.unlink()


def _visit(checkpoint: Any, analyses: tuple[Any, ...], threads: int) -> Run:
    tensors = checkpoint.tensors.values()
    return lambda: visit(tensors, analyses, lambda: "cpu", lambda *_: None, threads)


def _naive(path: Path, threads: int) -> Run:
    """The same numbers as one writes them down in torch, tensor by tensor."""
    from safetensors import safe_open

    def run() -> None:
        torch.set_num_threads(threads)
        with safe_open(path, "pt") as file:
            for name in file.keys():  # noqa: SIM118 (it is no mapping)
                stored = file.get_tensor(name)
                values = stored.float()
                squares = values.square()
                for number in (*values.aminmax(), values.sum(), squares.sum()):
                    number.item()
                for number in (squares.square().sum(), (values == 0).sum()):
                    number.item()

    return run


def tools(folder: Path, venv: Path | None, rounds: int) -> Iterator[tuple[str, bool]]:
    """Lines on a check with the default settings, as a user starts it, beside other tools."""
    path = folder / "model.safetensors"
    save_file(transformer(BLOCKS, torch.float32), path)
    commands = {"modlint": [sys.executable, "-m", "modlint", "check", path]}
    if venv is not None:
        commands["weightlens"] = [venv / "bin/lens", "analyze", path]
        commands["model-clinic"] = [venv / "bin/model-clinic", "exam", path]
    commands = {name: c for name, c in commands.items() if Path(c[0]).exists()}
    path.read_bytes()  # from now on the system holds it in memory
    seconds = best({name: _started(command) for name, command in commands.items()}, rounds)
    yield f"| a check of {path.stat().st_size / 1e9:.1f} GB | seconds | modlint's part |", True
    yield "|---|---:|---:|", True
    for name, taken in seconds.items():
        part = seconds["modlint"] / taken
        yield f"| {name} | {taken:.2f} | {part:.3f} |", part <= MOST_OF_TOOL.get(name, 1)
    path.unlink()


def _started(command: list[Any]) -> Run:
    return lambda: subprocess.run(command, capture_output=True, check=False)


def memory(folder: Path, gigabytes: int) -> Iterator[tuple[str, bool]]:
    """Lines on the memory that a check of a sharded model takes, beside what it maps."""
    yield "| sharded model | memory beside the mapped files, MB | seconds |", True
    yield "|---|---:|---:|", True
    for size in sorted({1, gigabytes}):
        index = _sharded(folder / f"{size}", size)
        peak, seconds = _peak([sys.executable, "-m", "modlint", "check", index])
        yield f"| {size} GB | {peak / 1e6:.0f} | {seconds:.1f} |", peak <= MOST_MEMORY
        for file in index.parent.iterdir():
            file.unlink()


def _sharded(folder: Path, gigabytes: int) -> Path:
    """A model of so many gigabytes in shards of one, in bfloat16; its index."""
    import json

    folder.mkdir()
    block = transformer(1, torch.bfloat16)
    each = sum(tensor.nbytes for tensor in block.values())
    blocks, places = round(1e9 / each), {}
    for shard in range(gigabytes):
        name = f"model-{shard + 1:05}-of-{gigabytes:05}.safetensors"
        weights = {
            key.replace(".0.", f".{shard * blocks + number}."): values
            for number in range(blocks)
            for key, values in block.items()
        }
        save_file({key: values.clone() for key, values in weights.items()}, folder / name)
        places |= dict.fromkeys(weights, name)
    index = folder / "model.safetensors.index.json"
    total = gigabytes * blocks * each
    index.write_text(json.dumps({"metadata": {"total_size": total}, "weight_map": places}))
    return index


def _peak(command: list[Any]) -> tuple[int, float]:
    """The most anonymous memory of a process, in bytes, asked for every few ms; its seconds."""
    started, peak = time.perf_counter(), 0
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None:
            try:
                status = Path(f"/proc/{process.pid}/status").read_text()
            except OSError:
                break
            held = [line.split() for line in status.splitlines() if line.startswith("RssAnon")]
            peak = max([peak, *(1024 * int(words[1]) for words in held)])
            time.sleep(0.005)
    return peak, time.perf_counter() - started


def main() -> int:
    """Print what was measured, and write it down."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--venv", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--gigabytes", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=("throughput", "tools", "memory"))
    parser.add_argument("--output", type=Path)
    arguments = parser.parse_args()
    lines, missed = [f"{os.cpu_count()} processors, best of {arguments.rounds} rounds in turn."], 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        folder = Path(temporary)
        parts = {
            "throughput": lambda: throughput(folder, arguments.rounds),
            "tools": lambda: tools(folder, arguments.venv, arguments.rounds),
            "memory": lambda: memory(folder, arguments.gigabytes),
        }
        for name, part in parts.items():
            if arguments.only in (None, name):
                lines.append("")
                for line, good in part():
                    lines.append(line)
                    missed += not good
                    print(line, "" if good else "  <- misses the aim", flush=True)
    if arguments.output:
        arguments.output.write_text("\n".join(["# What statistics cost", "", *lines]) + "\n")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
