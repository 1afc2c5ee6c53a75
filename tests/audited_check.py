"""Run in a process of its own: checks files under an audit hook, and reports what it saw.

Usage: python audited_check.py PROBE SELECT PATH...

Everything that modlint imports on its own account is imported before the hook is set, by a
first check of PROBE, a folder of clean files. The second check meets PROBE again, and then the
files: from there to the end of the report each event that executes or imports anything, starts
a process, opens a socket, or writes is kept and printed as JSON.
"""

from __future__ import annotations

import codecs
import contextlib
import importlib
import io
import json
import os
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.reporter import Shown
from modlint.settings.config import Configuration, Settings

FORBIDDEN = (
    "exec",
    "compile",
    "ctypes.",
    "os.exec",
    "os.fork",
    "os.forkpty",
    "os.posix_spawn",
    "os.spawn",
    "os.startfile",
    "os.system",
    "pty.spawn",
    "subprocess.",
    "socket.",
    "urllib.",
    "http.client",
    "ftplib.",
    "smtplib.",
    "pickle.find_class",
    "marshal.load",
    "code.__new__",
    "function.__new__",
    "builtins.input",
    "os.chmod",
    "os.chown",
    "os.link",
    "os.mkdir",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.rmdir",
    "os.symlink",
    "os.truncate",
    "os.unsetenv",
    "os.utime",
    "shutil.",
    "tempfile.",
    "webbrowser.open",
    "winreg.",
)
_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Watch:
    """The audit hook."""

    def __init__(self) -> None:
        self.on = False
        self.events: list[str] = []

    def __call__(self, event: str, args: tuple[Any, ...]) -> None:
        if self.on and self._is_forbidden(event, args):
            self.on = False  # rendering the arguments may raise events itself
            self.events.append(f"{event} {str(args)[:300]}")
            self.on = True

    def _is_forbidden(self, event: str, args: tuple[Any, ...]) -> bool:
        if event == "open":
            _, mode, flags = args
            return bool((flags or 0) & _WRITING) or any(c in (mode or "") for c in "wax+")
        if event == "import":
            return args[0] not in sys.modules
        if event == "compile" and args[1] == "<unknown>":
            return False  # ast.literal_eval parses the header of a NumPy array, and runs nothing
        if event == "compile" and args[1] == "<string>" and str(args[0], "utf-8").isidentifier():
            return False  # typing.ForwardRef compiles the name of a type; running it is an `exec`
        return event.startswith(FORBIDDEN)


def _import_own() -> None:
    """Import what modlint imports when first needed: every module of its own that can be."""
    for name in ("modlint", "modlint_rules", "modlint_plugins"):
        for module in pkgutil.walk_packages(importlib.import_module(name).__path__, f"{name}."):
            if not module.name.endswith("__main__"):
                with contextlib.suppress(ImportError):
                    importlib.import_module(module.name)


def main() -> None:
    """Check the files and print the events."""
    probe, select, *names = sys.argv[1:]
    registry = load_registry()
    settings = Settings(select=tuple(select.split(",")), device="cpu")
    configuration = Configuration(settings, None, Path(probe))
    watch = Watch()
    for encoding in ("utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"):  # those of JSON
        codecs.lookup(encoding)

    @contextlib.contextmanager
    def progress(path: Path, index: int, total: int) -> Iterator[Any]:
        watch.on = probe not in str(path)
        yield lambda *_: None

    def examine(paths: list[Path]) -> str:
        output = io.StringIO()
        report = check(paths, configuration, registry, progress)
        for reporter in registry.reporters.values():
            on = watch.on
            watch.on = on and reporter.name != "html"  # its templates, modlint's own, are compiled
            reporter.write(report, output, Shown())
            watch.on = on
        return output.getvalue() + "".join(report.run.problems)

    examine([Path(probe)])
    if select == "ALL":
        _import_own()
    sys.addaudithook(watch)
    text = examine([Path(probe), *map(Path, names)])
    watch.on = False
    broken = "internal error" in text
    result = {"events": watch.events, "broken": broken, "modules": sorted(sys.modules)}
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
