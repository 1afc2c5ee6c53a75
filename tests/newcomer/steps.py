"""The nine steps of README: its code blocks, and a shell that runs them one after the other."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from msgspec import Struct

README = Path(__file__).resolve().parents[2] / "README.md"
_STEP = re.compile(r"^### (\d)\. ([^\n]+)\n(.*?)(?=^##)", re.MULTILINE | re.DOTALL)
_BLOCK = re.compile(
    r"(?:<!-- (?P<mark>[a-z]+)(?:: (?P<name>.+?))? -->\n\n)?```(?P<kind>\w+)\n(?P<text>.*?)```",
    re.DOTALL,
)


class Block(Struct, frozen=True):
    """A block of code, and the mark before it: `write`, `excerpt`, `python`, or none."""

    mark: str | None
    name: str | None
    kind: str
    text: str


class Step(Struct, frozen=True):
    """A step: its number, its title and its blocks."""

    number: int
    title: str
    blocks: tuple[Block, ...]


class Ran(Struct, frozen=True):
    """A command, what README shows below it (None: nothing), and what came of it."""

    command: str
    shown: str | None
    code: int
    printed: str
    said: str
    seconds: float


def steps() -> tuple[Step, ...]:
    """Those that README holds now."""
    text = README.read_text(encoding="utf-8").partition("\n## Ten minutes\n")[2]
    text = text[: text.index("\n## ") + 4]
    return tuple(
        Step(int(number), title, tuple(Block(**m.groupdict()) for m in _BLOCK.finditer(body)))
        for number, title, body in _STEP.findall(text)
    )


def commands(text: str) -> Iterator[tuple[str, str | None]]:
    """The commands of a console, each with what it shows below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        yield command, shown or None


class Shell:
    """A shell that keeps its folder and its variables from one command to the next."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.environment = dict(environment)
        self._state = folder.parent / "state"

    def run(self, command: str, shown: str | None = None) -> Ran:
        """Run one command, as if typed."""
        keep = f'code=$?\npwd >"{self._state}"\nenv -0 >>"{self._state}"\nexit $code\n'
        begin = time.monotonic()
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", f"{command}\n{keep}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
        )
        seconds = time.monotonic() - begin
        folder, _, variables = self._state.read_text(encoding="utf-8").partition("\n")
        self.folder = Path(folder)
        self.environment = dict(v.split("=", 1) for v in variables.split("\0") if v)
        return Ran(command, shown, done.returncode, done.stdout, done.stderr, seconds)

    def take(self, step: Step) -> Iterator[Ran]:
        """Do what a step says, until a command fails that should not."""
        program = None
        for block in step.blocks:
            if block.mark == "write":
                path = self.folder / str(block.name)
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(block.text, encoding="utf-8")
            elif block.mark == "python":
                program = self.folder / "program.py"
                program.write_text(block.text, encoding="utf-8")
            elif block.kind == "text" and program:
                yield self.run(f"python {program.name}", block.text)
            elif block.kind == "console":
                for command, shown in commands(block.text):
                    yield self.run(command, shown)
