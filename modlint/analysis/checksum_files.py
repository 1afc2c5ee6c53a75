"""Files of checksums: what `sha256sum`, `md5sum`, `shasum`, BSD's tools and openssl write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

LENGTHS = {32: "md5", 40: "sha1", 56: "sha224", 64: "sha256", 96: "sha384", 128: "sha512"}
"""By the number of hexadecimal digits, the algorithm that is usual."""
MAX_LINES = 100_000
MAX_LINE = 8192
"""Characters of a line; longer ones are passed over."""

_ALGORITHM = r"(?:sha-?(?:1|224|256|384|512)|md5|b2)"
_OF_ONE = re.compile(rf"\.{_ALGORITHM}(?:sum)?(?:\.txt)?", re.IGNORECASE)
_OF_MANY = re.compile(
    rf"(?:.*[._-])?(?:{_ALGORITHM}[._-]?sums?|check-?sums?)(?:\.(?:txt|asc|md|{_ALGORITHM}))?"
    rf"|.*\.{_ALGORITHM}(?:sums?)?(?:\.txt)?",
    re.IGNORECASE,
)
_HEX = r"(?P<hex>[0-9a-fA-F]{32,128})"
_GNU = re.compile(
    rf"(?P<escaped>\\?)(?:{_ALGORITHM}:)?{_HEX}[ \t]+[*?U^]?(?P<name>.+)", re.IGNORECASE
)
_BSD = re.compile(rf"(?P<tag>[\w/-]+) ?\((?P<name>.+)\) ?= ?{_HEX}")
_BARE = re.compile(rf"(?:{_ALGORITHM}[:=-])?\s*{_HEX}", re.IGNORECASE)
_COLON = re.compile(rf"(?P<name>.+?)\s*[:=]\s*(?:{_ALGORITHM}:)?{_HEX}", re.IGNORECASE)
_ESCAPES = {r"\n": "\n", r"\r": "\r", r"\\": "\\"}


def is_of_one(sidecar: str, file: str) -> bool:
    """Whether a file is named as the checksum of one other (`net.pth.sha256`)."""
    return sidecar.startswith(file) and _OF_ONE.fullmatch(sidecar[len(file) :]) is not None


def is_of_many(sidecar: str) -> bool:
    """Whether a file is named as a list of checksums (`SHA256SUMS`, `weights.md5`)."""
    return _OF_MANY.fullmatch(sidecar) is not None


def stated_in(text: str, path: str, sidecar: str) -> Iterator[tuple[str, str]]:
    """Algorithm and hexadecimal digits that a file of checksums states of a file.

    Args:
        text: what it holds.
        path: of the file, from the folder of the file of checksums on.
        sidecar: its name; where it is that of the file's own checksum, a line without a name and
            one that gives the file in another folder are of the file too.
    """
    own = is_of_one(sidecar, path)
    blake = re.search(r"(?:^|[._-])b2", sidecar, re.IGNORECASE) is not None
    for line in text.removeprefix("\ufeff").splitlines()[:MAX_LINES]:
        found = _parsed(line.strip()) if len(line) <= MAX_LINE else None
        if found is None:
            continue
        name, digits = found
        told = own if name is None else _is_of(name, path, own=own)
        algorithm = "blake2b" if blake and len(digits) == 128 else LENGTHS.get(len(digits))
        if told and algorithm is not None:
            yield algorithm, digits.lower()


def _parsed(line: str) -> tuple[str | None, str] | None:
    """Name and digits of a line; no name where it gives digits alone."""
    if not line or line.startswith(("#", ";", "-----")):
        return None
    match = _BARE.fullmatch(line)
    if match is not None:
        return None, match["hex"]
    for pattern in (_GNU, _BSD, _COLON):
        match = pattern.fullmatch(line)
        if match is not None:
            name = match["name"]
            if match.groupdict().get("escaped"):
                name = re.sub(r"\\[nr\\]", lambda escape: _ESCAPES[escape[0]], name)
            return name, match["hex"]
    return None


def _is_of(name: str, path: str, *, own: bool) -> bool:
    """Whether a line's name is the file's: its path, in its own checksum the last part."""
    given = PurePosixPath(name.replace("\\", "/"))
    return path in (name, str(given)) or (own and given.name == PurePosixPath(path).name)
