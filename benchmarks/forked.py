"""A console script that is imported once and forked for each command line.

What a fork imports besides is imported here before the next one.

Usage: PYTHON forked.py NAME, with the interpreter that NAME is installed for. Each line of the
standard input is a list of arguments in JSON; each answer is a line with exit code and output.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import tempfile
from collections.abc import Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

TIMEOUT = 120


def run(script: Callable[[], Any], arguments: list[str], folder: Path) -> dict[str, Any]:
    """Run the script in a fork, with its output in files."""
    streams = {1: folder / "stdout", 2: folder / "stderr"}
    child = os.fork()
    if child == 0:
        for number, path in streams.items():
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        _become(script, arguments, folder / "modules")
    _, status = os.waitpid(child, 0)
    _learn(folder / "modules")
    told = [path.read_text(errors="replace") for path in streams.values()]
    code = os.waitstatus_to_exitcode(status)
    return {"returncode": code, "stdout": told[0], "stderr": told[1]}


def _learn(modules: Path) -> None:
    """Import what a fork had to import, as far as that succeeds."""
    for name in modules.read_text().split() if modules.exists() else ():
        if name not in sys.modules:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _become(script: Callable[[], Any], arguments: list[str], modules: Path) -> None:
    """Do what a console script does, then end without going back."""
    signal.alarm(TIMEOUT)
    sys.argv[1:] = arguments
    code: Any = 1
    try:
        code = script()
    except SystemExit as stopped:
        code = stopped.code
    except BaseException:
        sys.excepthook(*sys.exc_info())
    if isinstance(code, str):
        print(code, file=sys.stderr)
    modules.write_text("\n".join(sys.modules))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def main() -> None:
    """Answer until there are no more lines."""
    (entry,) = entry_points(group="console_scripts", name=sys.argv[1])
    sys.argv[:] = [sys.argv[1]]
    script = entry.load()
    with tempfile.TemporaryDirectory() as folder:
        for line in sys.stdin:
            print(json.dumps(run(script, json.loads(line), Path(folder))), flush=True)


if __name__ == "__main__":
    main()
