"""What a check costs that needs no torch, in units of importing torch on the same machine.

Usage: python benchmarks/light.py [ROUNDS] [FOLDER]

Writes safetensors files to FOLDER or a temporary one, 100 MB of plain matrices in float32 and 1.2
GB of a LLaMA-like model in bfloat16, and checks each with the rules that run on every file. The
runs take turns with `python -c "import torch"`, so that whatever else the machine does touches all
alike; CPU seconds are compared, which say more than the clock's on a busy machine. Memory is what a
process holds beside the mapped file (Linux). The exit code is 1 where a bound is missed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import ml_dtypes
import numpy as np
from safetensors.numpy import save_file

SMALL_SHARE = 0.5
"""Of importing torch, that a file of 100 MB may take."""
SECONDS_A_GIGABYTE = 1.0
"""That a large one may take beyond that."""
MAX_ANONYMOUS = 200e6
"""Bytes beside the mapped file."""
FAMILIES = "COV,FMT,GRF,NEU,NUM,SEC"
CHECK = (sys.executable, "-m", "modlint", "check", "--select", FAMILIES)
TORCH = (sys.executable, "-c", "import torch")


def write_plain(path: Path) -> None:
    """100 MB: 24 matrices of 1024 × 1024 in float32."""
    random = np.random.default_rng(0)
    matrices = (random.standard_normal((1024, 1024), dtype=np.float32) for _ in range(24))
    save_file({f"blocks.{i}.weight": matrix for i, matrix in enumerate(matrices)}, path)


def write_llama(path: Path, layers: int = 11) -> None:
    """1.2 GB: the shapes of TinyLlama-1.1B, half as many layers, bfloat16."""
    random = np.random.default_rng(0)

    def weight(*shape: int) -> np.ndarray:
        values = random.standard_normal(shape, dtype=np.float32)
        return (0.02 * values).astype(ml_dtypes.bfloat16)

    hidden, inner, words, keys = 2048, 5632, 32000, 256
    norm = np.ones(hidden, ml_dtypes.bfloat16)
    tensors = {
        "model.embed_tokens.weight": weight(words, hidden),
        "lm_head.weight": weight(words, hidden),
        "model.norm.weight": norm,
    }
    for i in range(layers):
        layer = f"model.layers.{i}."
        tensors |= {
            f"{layer}self_attn.q_proj.weight": weight(hidden, hidden),
            f"{layer}self_attn.k_proj.weight": weight(keys, hidden),
            f"{layer}self_attn.v_proj.weight": weight(keys, hidden),
            f"{layer}self_attn.o_proj.weight": weight(hidden, hidden),
            f"{layer}mlp.gate_proj.weight": weight(inner, hidden),
            f"{layer}mlp.up_proj.weight": weight(inner, hidden),
            f"{layer}mlp.down_proj.weight": weight(hidden, inner),
            f"{layer}input_layernorm.weight": norm,
            f"{layer}post_attention_layernorm.weight": norm,
        }
    save_file(tensors, path, metadata={"format": "pt"})


def run(command: tuple[str, ...]) -> tuple[float, int]:
    """CPU seconds of one run, and the most bytes that it held of its own."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    most = 0
    while os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        most = max(most, _anonymous(process.pid))
        time.sleep(0.01)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in (0, 1):
        raise SystemExit(f"{' '.join(command)} failed")
    return usage.ru_utime + usage.ru_stime, most


def _anonymous(process: int) -> int:
    """RssAnon of a process, in bytes; 0 once it is gone."""
    try:
        lines = Path(f"/proc/{process}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith("RssAnon")), 0)


def main(rounds: int, folder: Path) -> int:
    """Print a line for each, and what of the bounds is missed."""
    small, large = folder / "plain.safetensors", folder / "llama.safetensors"
    if not small.exists():
        write_plain(small)
    if not large.exists():
        write_llama(large)
    commands = {"torch": TORCH, "small": (*CHECK, str(small)), "large": (*CHECK, str(large))}
    seconds: dict[str, list[float]] = {name: [] for name in commands}
    memory = 0
    for _ in range(rounds):
        for name, command in commands.items():
            taken, most = run(command)
            seconds[name].append(taken)
            memory = max(memory, most if name == "large" else 0)
    torch, plain, llama = (median(seconds[name]) for name in commands)
    gigabytes = large.stat().st_size / 1e9
    rate = (llama - SMALL_SHARE * torch) / gigabytes
    print(f"import torch         {torch:.2f} s of CPU")
    print(f"{small.stat().st_size / 1e6:.0f} MB               {plain:.2f} s, × {plain / torch:.2f}")
    print(f"{gigabytes:.2f} GB              {llama:.2f} s: half of torch, and {rate:.2f} s a GB")
    print(f"memory of its own    {memory / 1e6:.0f} MB")
    kept = plain <= SMALL_SHARE * torch, rate <= SECONDS_A_GIGABYTE, memory <= MAX_ANONYMOUS
    return int(not all(kept))


if __name__ == "__main__":
    times = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    if len(sys.argv) > 2:
        sys.exit(main(times, Path(sys.argv[2])))
    with tempfile.TemporaryDirectory() as temporary:
        sys.exit(main(times, Path(temporary)))
