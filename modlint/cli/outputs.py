"""Where a report goes: each output format that was asked for, to stdout or into a file."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from modlint.cli.messages import say
from modlint.engine.registry import Registry
from modlint.errors import UsageError, explained
from modlint.report import Report
from modlint.reporter import Reporter, Shown
from modlint.settings.config import nearest


class Output(Struct, frozen=True):
    """A format, and the file that it is written into; None for stdout."""

    reporter: Reporter
    file: Path | None = None

    def write(self, report: Report, shown: Shown) -> bool:
        """Write the report; whether it was written. What went wrong is said on stderr.

        Raises:
            OSError: stdout takes no more.
        """
        try:
            if self.file is None:
                self.reporter.write(report, sys.stdout, shown)
            else:
                _write_file(self.file, self.reporter, report, shown)
        except UsageError as error:
            say([str(error)])
            return False
        except OSError as error:
            if self.file is None:
                raise
            say([f"{self.file}: cannot be written: {error.strerror or error}"])
            return False
        except Exception as error:  # a plugin's reporter may raise anything
            say([f"internal error in the reporter {self.reporter.name}: {explained(error)}"])
            return False
        return True


def outputs_of(named: Sequence[str], output_format: str, registry: Registry) -> list[Output]:
    """What `--output` names, or the format of the settings on stdout.

    Args:
        named: formats, each with `=FILE` where it goes into a file.
        output_format: of the settings, for stdout where none of those goes there.
        registry: the reporters that there are.

    Raises:
        UsageError: there is no such format or folder, or two formats go to one place.
    """
    outputs = [_output(text, registry) for text in named] or [
        Output(_reporter(output_format, registry))
    ]
    places = [output.file for output in outputs]
    twice = next((place for place in places if places.count(place) > 1), ...)
    if twice is not ...:
        raise UsageError(
            f"--output: two formats go to {twice or 'stdout'}; give one a file: NAME=FILE"
        )
    return outputs


def _output(text: str, registry: Registry) -> Output:
    name, equals, file = text.partition("=")
    if not equals:
        return Output(_reporter(name, registry))
    path = Path(file)
    if not file or path.is_dir():
        raise UsageError(f"--output {text}: name a file after the `=`")
    if not path.parent.is_dir():
        raise UsageError(f"--output {text}: there is no folder {path.parent}")
    return Output(_reporter(name, registry), path)


def _write_file(path: Path, reporter: Reporter, report: Report, shown: Shown) -> None:
    """Write beside the file and put it in its place: a reader never sees half a report."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as output:
            reporter.write(report, output, shown)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def _reporter(name: str, registry: Registry) -> Reporter:
    if name == "auto":
        name = next(n for n in _automatic() if n in registry.reporters or n == "json")
    if name not in registry.reporters:
        raise UsageError(
            f"unknown output format `{name}`{nearest(name, registry.reporters)} "
            f"(known: {', '.join(sorted(registry.reporters)) or 'none'})"
        )
    return registry.reporters[name]


def _automatic() -> tuple[str, ...]:
    """Formats that suit where the report goes, the best first."""
    if os.environ.get("GITHUB_ACTIONS") == "true":
        return ("github", "concise", "json")
    if os.environ.get("PRE_COMMIT") == "1" or not sys.stdout.isatty():
        return ("concise", "json")
    return ("full", "concise", "json")
