"""What the documentation shows: its pages, their blocks of code, and how commands in them are run.

Commands are run in a folder that holds real files under the names that the pages use
(`documented_files`), one folder a page, from top to bottom: a page may go on with what it made.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FENCE = re.compile(
    r"(?:<!-- (?P<mark>[^\n]+?) -->\n\n)?^```(?P<language>[\w-]*)[^\n]*\n(?P<code>.*?)^```$",
    re.M | re.S,
)
VARYING = re.compile(r"(?<![A-Za-z\d])[-+]?\d[\d.,]*(?:e[-+]?\d+)?|[▁-█╌─━╸┃│╱▶·]")
SETTINGS = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8", "MPLBACKEND": "agg"}
FOUND = re.compile(r"\(exit code 1\)|\bexit code 1$|^\S+: [A-Z]{3}\d{3} error ", re.MULTILINE)
"""Where output says that the exit code is 1: in its last line, or by an error alone (--quiet)."""


@dataclass(frozen=True)
class Command:
    """A line after a prompt, and what is shown below it."""

    text: str
    shown: str = ""

    @property
    def exit_code(self) -> int:
        """1 where the page says so, else 0."""
        comment = self.text.partition("  # ")[2].strip()
        return int(bool(FOUND.search(self.shown)) or comment.startswith("exit code 1"))


@dataclass(frozen=True)
class Block:
    """A fenced block of a page, with the mark (an HTML comment) above it."""

    page: Path
    line: int
    language: str
    code: str
    mark: str = ""
    commands: tuple[Command, ...] = field(default=(), compare=False)

    @property
    def place(self) -> str:
        """For messages: page and line."""
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def pages() -> list[Path]:
    """README, the guides, and the pages of rules and plugins."""
    fixed = ("README.md", "CONTRIBUTING.md", "benchmarks/README.md")
    found = [ROOT / name for name in fixed]
    for pattern in ("docs/**/*.md", "plugins/*/README.md", "rules/modlint_rules/*/*.md"):
        found += sorted(ROOT.glob(pattern))
    return found


def blocks(page: Path) -> Iterator[Block]:
    """All fenced blocks of a page, from top to bottom."""
    text = page.read_text(encoding="utf-8")
    for found in FENCE.finditer(text):
        language, code = found["language"], found["code"]
        yield Block(
            page=page,
            line=text.count("\n", 0, found.start("code")),
            language=language,
            code=code,
            mark=found["mark"] or "",
            commands=tuple(_commands(language, code)),
        )


def _commands(language: str, code: str) -> Iterator[Command]:
    if language == "shell":
        yield from map(Command, code.splitlines())
    elif language == "console":
        for part in re.split(r"^\$ ", code, flags=re.MULTILINE)[1:]:
            text, _, shown = part.partition("\n")
            yield Command(text.rstrip(), shown.strip("\n"))


def run(command: str, folder: Path, *, both: bool = True) -> subprocess.CompletedProcess[str]:
    """A line of bash on a terminal of 80 columns without colour, as far as programs ask.

    What it says on stderr stands among its output with `both`, else apart.
    """
    here = str(Path(sys.executable).parent)
    variables = os.environ | SETTINGS | {"PATH": os.pathsep.join([here, os.environ["PATH"]])}
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if both else subprocess.PIPE,
        text=True,
    )


def output_of(done: subprocess.CompletedProcess[str], folder: Path) -> str:
    """What it printed, as pages show it: the folder has a name of its own there."""
    printed = done.stdout.strip("\n").replace(str(folder), "/project")
    return "\n".join(line.rstrip() for line in printed.splitlines())


def skeleton(text: str) -> list[str]:
    """Lines without what may vary: trained weights differ from one processor to the next."""
    return [" ".join(VARYING.sub(" ", line).split()) for line in text.splitlines()]
