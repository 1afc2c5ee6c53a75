"""Lines of findings, folded where there are many: each rule and severity keeps one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import Struct

from modlint.report import FileReport
from modlint.text import count
from modlint.verdict import Severity, Verdict

MOST_LINES = 8
"""Lines of findings up to which nothing is folded; with the summary they fit a small screen."""

PATHS_NAMED = 20


class Line(Struct, frozen=True):
    """Findings that one line stands for; the first is told.

    Attributes:
        file: where the first was found.
        verdicts: of one rule and severity.
        paths: the other files in which there are some.
    """

    file: FileReport
    verdicts: tuple[Verdict, ...]
    paths: tuple[str, ...] = ()

    def others(self) -> str:
        """How many more there are, and where."""
        more = len(self.verdicts) - 1
        if not more:
            return ""
        if not self.paths:
            return f" (and {more:,} more)"
        named = ", ".join(self.paths[:PATHS_NAMED])
        left = len(self.paths) - PATHS_NAMED
        rest = f" and {count(left, 'more file')}" if left > 0 else ""
        return f" (and {more:,} more; also in {named}{rest})"


def folded(lines: Sequence[Line]) -> Sequence[Line]:
    """The lines, folded no further than it takes to be few.

    First alike findings of one file become a line, then warnings and notes of all files, at last
    errors.
    """
    steps: tuple[Callable[[Line], tuple[object, ...]], ...] = (_by_file, _errors_by_file, _by_rule)
    for key in steps:
        if len(lines) <= MOST_LINES:
            break
        lines = _grouped(lines, key)
    return lines


def _by_rule(line: Line) -> tuple[object, ...]:
    return line.verdicts[0].rule, line.verdicts[0].severity


def _by_file(line: Line) -> tuple[object, ...]:
    return *_by_rule(line), line.file.path


def _errors_by_file(line: Line) -> tuple[object, ...]:
    return _by_file(line) if line.verdicts[0].severity is Severity.ERROR else _by_rule(line)


def _grouped(lines: Sequence[Line], key: Callable[[Line], tuple[object, ...]]) -> Sequence[Line]:
    groups: dict[tuple[object, ...], list[Line]] = {}
    for line in lines:
        groups.setdefault(key(line), []).append(line)
    return [_merged(group) for group in groups.values()]


def _merged(lines: Sequence[Line]) -> Line:
    first = lines[0]
    verdicts = tuple(verdict for line in lines for verdict in line.verdicts)
    paths = dict.fromkeys(path for line in lines for path in (line.file.path, *line.paths))
    return Line(first.file, verdicts, tuple(path for path in paths if path != first.file.path))
