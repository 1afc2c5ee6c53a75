"""The network of a TorchScript archive: its code, read as text and never run."""

from __future__ import annotations

from modlint.builder import NOTHING_STATED, Built, Stated
from modlint.checkpoint import Checkpoint


class TorchScriptBuilder:
    """Follows the calls that a TorchScript module's code names, for inputs of chosen shapes."""

    name = "torchscript"
    description = "the code of a TorchScript archive, parsed and not run"
    rank = 0

    def build(
        self,
        checkpoint: Checkpoint,
        stated: Stated = NOTHING_STATED,  # noqa: ARG002 (its graph tells all)
    ) -> Built | None:
        """The module's network; None where the file is no TorchScript archive."""
        from modlint_plugins.networks.torchscript.search import built_of
        from modlint_plugins.readers.torch.program import TorchScriptProgram

        graph = checkpoint.graph
        return built_of(checkpoint, graph) if isinstance(graph, TorchScriptProgram) else None
