"""What GitHub's runner takes for a command in the lines that a step prints.

Source: actions/runner, src/Runner.Common/ActionCommand.cs (TryParseV2, TryParse).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

REGISTERED = frozenset(
    {
        "add-mask", "add-matcher", "add-path", "debug", "echo", "endgroup", "error", "group",
        "internal-set-repo-path", "notice", "remove-matcher", "save-state", "set-env",
        "set-output", "stop-commands", "warning",
    }
)  # fmt: skip
_VSO = re.compile(r"##vso\[", re.IGNORECASE)


@dataclass(frozen=True)
class Command:
    """A line that makes the runner do something.

    Attributes:
        name: of the command, in small letters.
        properties: by name, unescaped.
        data: what follows, unescaped.
    """

    name: str
    properties: dict[str, str]
    data: str


def commands(text: str) -> Iterator[Command]:
    """The commands in a log; an Azure Pipelines agent's `##vso[` counts as one too."""
    for line in re.split(r"\r\n|\r|\n", text):
        command = _new_style(line) or _old_style(line)
        if command is not None:
            yield command
        elif _VSO.search(line):
            yield Command("##vso", {}, line)


def _new_style(line: str) -> Command | None:
    """`::name key=value,…::data`, at the start of a line but for blanks."""
    line = line.lstrip()
    end = line.find("::", 2)
    if not line.startswith("::") or end < 0:
        return None
    return _command(line[2:end], line[end + 2 :], ",")


def _old_style(line: str) -> Command | None:
    """`##[name key=value;…]data`, anywhere in a line."""
    start = line.find("##[")
    end = line.find("]", start)
    if start < 0 or end < 0:
        return None
    return _command(line[start + 3 : end], line[end + 1 :], ";")


def _command(head: str, data: str, separator: str) -> Command | None:
    name, _, rest = head.partition(" ")
    if name.lower() not in REGISTERED:
        return None
    pairs = [part.split("=", 1) for part in rest.strip().split(separator)]
    properties = {pair[0]: _plain(pair[1]) for pair in pairs if len(pair) == 2}
    return Command(name.lower(), properties, _plain(data))


def _plain(text: str) -> str:
    for escape, character in (("%0D", "\r"), ("%0A", "\n"), ("%3A", ":"), ("%2C", ",")):
        text = text.replace(escape, character)
    return text.replace("%25", "%")
