"""The sweep: every byte of a file is searched by content, whatever readers recognised in it."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.reader import Sweep


@hookimpl
def modlint_sweeps() -> Iterable[Sweep]:
    """Modlint's own sweep."""
    from modlint_plugins.sweep.walk import ContentSweep

    return (ContentSweep(),)
