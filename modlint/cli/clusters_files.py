"""Files that `modlint clusters` writes: refused before the work, not after it."""

from __future__ import annotations

from collections.abc import Collection
from importlib.util import find_spec
from pathlib import Path

from modlint.errors import UsageError
from modlint.portraits.documents import WRITERS

PICTURES = (".png", ".svg")


def require_writable(labels: Path | None, picture: Path | None) -> None:
    """Check what can be checked of the files that are to be written.

    Raises:
        UsageError: a suffix is not known, a folder is missing, or matplotlib is.
    """
    if labels is not None:
        _require("--labels", labels, WRITERS)
    if picture is not None:
        _require("--picture", picture, PICTURES)
        if find_spec("matplotlib") is None:
            raise UsageError(
                "--picture needs matplotlib, which is not installed: "
                'python -m pip install "modlint[pictures]"'
            )


def _require(flag: str, path: Path, suffixes: Collection[str]) -> None:
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{flag} {path}: its name must end in {' or '.join(suffixes)}")
    if not path.parent.is_dir():
        raise UsageError(f"{flag} {path}: there is no folder {path.parent}")
