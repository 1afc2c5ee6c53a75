"""Checks files, and prints each file that was opened or listed without being told of."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from modlint.engine.check import check_file
from modlint.engine.plan import plan_check
from modlint.engine.registry import load_registry
from modlint.looks import listeners
from modlint.settings.config import load_config

root = os.path.realpath(sys.argv[1])
opened: set[str] = set()
told: set[str] = set()


def hook(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("open", "os.scandir", "os.listdir") and isinstance(
        arguments[0], str | os.PathLike
    ):
        path = os.path.abspath(os.fspath(arguments[0]))
        if path.startswith(root):
            opened.add(os.path.normpath(path))


sys.addaudithook(hook)
listeners.append(lambda look, path: told.add(os.path.normpath(path)))
plan = plan_check(load_config(None), load_registry())
for path in sorted(Path(root).rglob("*")):
    if path.is_file() and path.stat().st_size < 1 << 20:
        opened.clear()
        told.clear()
        check_file(path, plan)
        real = {os.path.realpath(path) for path in told}
        for untold in sorted(opened - told - real):
            sys.stdout.write(f"{path}: {untold}\n")
