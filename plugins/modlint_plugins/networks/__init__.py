"""Graph builders: from a `Checkpoint` to its `Network`s."""

from __future__ import annotations

from collections.abc import Iterable

from modlint import hookimpl
from modlint.builder import NetworkBuilder


@hookimpl
def modlint_networks() -> Iterable[NetworkBuilder]:
    """The graph of the format itself where it has one, then names and shapes."""
    from modlint_plugins.networks.architectures import ArchitectureBuilder
    from modlint_plugins.networks.exported_program import ExportedProgramBuilder
    from modlint_plugins.networks.names import NamesBuilder
    from modlint_plugins.networks.onnx_graph import OnnxGraphBuilder
    from modlint_plugins.networks.torchscript import TorchScriptBuilder

    return (
        OnnxGraphBuilder(),
        ExportedProgramBuilder(),
        TorchScriptBuilder(),
        ArchitectureBuilder(),
        NamesBuilder(),
    )
