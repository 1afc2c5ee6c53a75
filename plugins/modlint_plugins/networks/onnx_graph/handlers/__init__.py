"""Every operator that is followed, by domain and name."""

from __future__ import annotations

from modlint_plugins.networks.onnx_graph.handlers import (
    arithmetic,
    attention,
    contrib,
    control,
    convolutions,
    lookups,
    moving,
    norms,
    parts,
    pointwise,
    pooling,
    products,
    quantised,
    recurrent,
    reductions,
    scattering,
    sequences,
)
from modlint_plugins.networks.onnx_graph.op import Handlers

HANDLERS: Handlers = {
    **arithmetic.HANDLERS,
    **attention.HANDLERS,
    **contrib.HANDLERS,
    **control.HANDLERS,
    **convolutions.HANDLERS,
    **lookups.HANDLERS,
    **moving.HANDLERS,
    **norms.HANDLERS,
    **parts.HANDLERS,
    **pointwise.HANDLERS,
    **pooling.HANDLERS,
    **products.HANDLERS,
    **quantised.HANDLERS,
    **recurrent.HANDLERS,
    **reductions.HANDLERS,
    **scattering.HANDLERS,
    **sequences.HANDLERS,
}
