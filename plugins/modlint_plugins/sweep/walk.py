"""The walk over a file and everything in it."""

from __future__ import annotations

from collections.abc import Sequence

from modlint.checkpoint import Checkpoint
from modlint.reader import Found
from modlint.source import Source
from modlint_plugins.code import examine
from modlint_plugins.sweep.run import Run


class ContentSweep:
    """Searches every run of bytes by content."""

    name = "content"
    description = "pickles, archives, programs and code in every byte, whatever holds them"

    def sweep(self, source: Source, checkpoints: Sequence[Checkpoint]) -> Found:
        """Search the file and every member, and give what no reader explained."""
        run = Run(source.view, None, source.path.name, 0)
        return Found(remarks=tuple(examine(run.view, run.name, run.siblings)))
