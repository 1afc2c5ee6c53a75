"""The network of a program that torch.export saved (.pt2): its ATen calls, read as data."""

from __future__ import annotations

from modlint.builder import NOTHING_STATED, Built, Stated
from modlint.checkpoint import Checkpoint


class ExportedProgramBuilder:
    """Follows the calls of an exported program, decomposed or not; sub-graphs in line."""

    name = "exported-program"
    description = "the ATen graph of a torch.export archive (.pt2)"
    rank = 0

    def build(
        self,
        checkpoint: Checkpoint,
        stated: Stated = NOTHING_STATED,  # noqa: ARG002 (its graph tells all)
    ) -> Built | None:
        """The program's network; None where the file is no exported program."""
        from modlint_plugins.networks.exported_program.build import built_of
        from modlint_plugins.readers.containers.zip.exported_program import ExportedProgram

        graph = checkpoint.graph
        return built_of(checkpoint, graph) if isinstance(graph, ExportedProgram) else None
