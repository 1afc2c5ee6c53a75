"""One mutant, examined in this process, and what was wrong with how that went."""

from __future__ import annotations

import contextlib
import io
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.reporter import Shown
from modlint.settings.config import Configuration, Settings

SECONDS = 5.0
"""Processor time that a mutant may take."""


class Examiner:
    """modlint as a user runs it: every rule and every output format; few shuffles, to be quick."""

    def __init__(self, select: Sequence[str] = ("ALL",)) -> None:
        rules = {"not-clusterable": {"shuffles": 2}}
        settings = Settings(select=tuple(select), rules=rules, device="cpu")
        self.settings = settings
        self.registry: Registry = load_registry()

    def problem(self, path: Path) -> str | None:
        """What modlint must never do and did; None where all is well."""
        started = time.process_time()
        try:
            text = self._run(path)
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            return "traceback: " + "".join(traceback.format_exception(error))[-1500:]
        seconds = time.process_time() - started
        for words in ("internal error", "Traceback (most recent"):
            if words in text:
                at = text.index(words)
                return f"{words}: {text[max(at - 200, 0) : at + 300]}"
        return f"slow: {seconds:.1f} s" if seconds > SECONDS else None

    def _run(self, path: Path) -> str:
        configuration = Configuration(self.settings, None, path.parent)
        with warnings.catch_warnings(action="ignore"):
            report = check([path], configuration, self.registry, _no_progress)
        output = io.StringIO()
        for reporter in self.registry.reporters.values():
            reporter.write(report, output, Shown())
        text = output.getvalue()
        text.encode("utf-8")  # what cannot be encoded cannot be printed
        return text + "\n".join(report.run.problems)


@contextlib.contextmanager
def _no_progress(*_: Any) -> Iterator[Any]:
    yield lambda *_: None
