"""Digests of a file's content, where something states one."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from modlint.analysis.base import Analysis, FileAnalysis, Inputs, Progress
from modlint.analysis.beside import Beside
from modlint.analysis.digest_statements import Statement, statements
from modlint.checkpoint import Checkpoint
from modlint.errors import Unavailable, UnreadableError
from modlint.results.digests import StatedDigest
from modlint.source import open_source

_PIECE = 1 << 22
MAX_PASSES = 8
"""How often the ranges that signatures name may cover the file's bytes."""


class Digests(FileAnalysis[tuple[StatedDigest, ...]], frozen=True):
    """Digests that something states of the file, beside its own; none is computed otherwise."""

    name: ClassVar[str] = "digests"
    description: ClassVar[str] = "digests of a file that its name, or a file beside it, states"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """What stands beside the file."""
        return (Beside(),)

    def compute(self, checkpoint: Checkpoint, inputs: Inputs) -> tuple[StatedDigest, ...]:
        """Read the file once for all digests of the whole of it.

        Raises:
            Unavailable: it is no file, or cannot be read again.
        """
        if not checkpoint.path.is_file():
            return ()
        stated = list(dict.fromkeys(statements(checkpoint.path, _folder(checkpoint, inputs))))
        if not stated:
            return ()
        try:
            view = open_source(checkpoint.path).view
        except UnreadableError as error:
            raise Unavailable(str(error)) from error
        whole = {s.algorithm for s in stated if s.end is None}
        digests = _hashed(view, whole, inputs.progress)
        compared = [_compared(s, digests[s.algorithm]) for s in stated if s.end is None]
        compared += _ranges([s for s in stated if s.end is not None], view)
        return tuple(_best(compared))


def _folder(checkpoint: Checkpoint, inputs: Inputs) -> Any:
    return inputs.result(Beside(), checkpoint)


def _compared(statement: Statement, digest: str) -> StatedDigest:
    return StatedDigest(
        kind=statement.kind,
        source=statement.source,
        algorithm=statement.algorithm,
        stated=statement.digits,
        found=digest[: len(statement.digits)],
        changed_since=statement.changed_since,
    )


def _hashed(view: memoryview, algorithms: Iterable[str], progress: Progress) -> dict[str, str]:
    """Digests of all bytes by algorithm, in one pass."""
    running = {name: _new(name, len(view)) for name in sorted(algorithms)}
    if running:
        for start in range(0, len(view), _PIECE):
            progress("computing digests", start, len(view))
            for digest in running.values():
                digest.update(view[start : start + _PIECE])
    return {name: digest.hexdigest() for name, digest in running.items()}


def _ranges(stated: list[Statement], view: memoryview) -> Iterator[StatedDigest]:
    """One comparison for each signature that lists ranges: the first range that differs."""
    sources: dict[str, list[Statement]] = defaultdict(list)
    for statement in stated:
        sources[statement.source].append(statement)
    for source, parts in sources.items():
        ends = [part.end for part in parts if part.end is not None]
        covered = sum(
            max(0, min(end, len(view)) - p.start) for p, end in zip(parts, ends, strict=True)
        )
        if covered > MAX_PASSES * max(len(view), 1):
            raise Unavailable(f"{source} lists the file's bytes more than {MAX_PASSES} times over")
        if max(ends) != len(view):
            size = str(max(ends)), str(len(view))
            yield StatedDigest("signature", source, "bytes", *size)
            continue
        compared = (_compared(part, _of_range(part, view)) for part in parts)
        different = next((part for part in compared if not part.agrees), None)
        yield different or _compared(parts[0], _of_range(parts[0], view))


def _of_range(part: Statement, view: memoryview) -> str:
    digest = _new(part.algorithm, 0)
    end = part.end or 0
    for start in range(part.start, end, _PIECE):
        digest.update(view[start : min(start + _PIECE, end)])
    return str(digest.hexdigest())


def _new(algorithm: str, nbytes: int) -> Any:
    if algorithm == "git-sha1":
        digest = hashlib.sha1(usedforsecurity=False)
        digest.update(f"blob {nbytes}\0".encode())
        return digest
    return hashlib.new(algorithm, usedforsecurity=False)


def _best(compared: list[StatedDigest]) -> Iterator[StatedDigest]:
    """Of what one source states by one algorithm, what agrees, where any does."""
    groups: dict[tuple[str, str], list[StatedDigest]] = defaultdict(list)
    for digest in compared:
        groups[digest.source, digest.algorithm].append(digest)
    for group in groups.values():
        yield next((digest for digest in group if digest.agrees), group[0])
