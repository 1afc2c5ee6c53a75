"""Every operator that the builder understands, and what rebuilds it."""

from __future__ import annotations

from collections.abc import Mapping

from modlint_plugins.networks.onnx_graph import (
    activations,
    arithmetic,
    layers,
    norms,
    pooling,
    shapes,
)
from modlint_plugins.networks.onnx_graph.walk import Handler

HANDLERS: Mapping[str, Handler] = {
    **activations.HANDLERS,
    **arithmetic.HANDLERS,
    **layers.HANDLERS,
    **norms.HANDLERS,
    **pooling.HANDLERS,
    **shapes.HANDLERS,
}
