"""What is begun side by side fits into memory together."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from modlint.engine.jobs.memory import BASE, available, needed
from modlint.engine.jobs.messages import Task
from modlint.engine.jobs.pool import Pool
from modlint.engine.plan import plan_check
from modlint.engine.registry import load_registry
from modlint.settings.config import load_config


def test_a_file_needs_more_the_larger_it_is(tmp_path: Path) -> None:
    path = tmp_path / "w.bin"
    path.write_bytes(bytes(1000))
    assert needed(path) == BASE + 2000
    assert needed(tmp_path / "none.bin") == BASE
    index = tmp_path / "model.safetensors.index.json"
    index.write_text("{}")
    assert needed(index) == BASE + 2000
    assert available() > BASE


def test_nothing_is_begun_that_would_exceed_it(tmp_path: Path) -> None:
    tasks = []
    for i in range(6):
        path = tmp_path / f"{i}.safetensors"
        save_file({"w": torch.ones(64, 64)}, path)
        tasks.append(Task(path, structure_only=False))
    running: set[Path] = set()
    most = 0

    @contextlib.contextmanager
    def progress(path: Path, index: int, files: int) -> Any:
        nonlocal most
        running.add(path)
        most = max(most, len(running))
        yield lambda *_: None
        running.discard(path)

    plan = plan_check(load_config(None), load_registry())
    with Pool(plan, 3, None, memory=2 * BASE) as pool:  # room for one, and a bit
        finished = list(pool.run(tasks, progress, 0, 6))
    assert most == 1
    assert sorted(f.task.path.name for f in finished) == [f"{i}.safetensors" for i in range(6)]
    assert all(f.outcome is not None for f in finished)
