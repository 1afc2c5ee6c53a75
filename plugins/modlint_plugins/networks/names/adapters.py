"""Low-rank adapters: each pair of factors is a layer with a narrow middle (arXiv 2106.09685)."""

from __future__ import annotations

from modlint.analysis.lora import lora_of
from modlint.builder import Built
from modlint.checkpoint import Checkpoint, Tensor
from modlint.network import CallKind, Unplaced
from modlint.results.lora import LoraModule
from modlint.verdict import Confidence
from modlint_plugins.networks.flow import layouts
from modlint_plugins.networks.flow.assembly import network_of
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer

_REMARK = "each pair of factors reads an input of its own: what they adapt is not in the file"
_ALONE = "a factor without its counterpart"


def rebuild_adapters(checkpoint: Checkpoint) -> Built | None:
    """One network of all pairs side by side; None where the file holds none, or their base too.

    Factors are joined to what they adapt only where both are in one graph; a file of adapters does
    not hold that.
    """
    lora = lora_of(checkpoint)
    if not lora.modules or lora.base_layers:
        return None
    tracer = Tracer()
    alone = [Unplaced(t, _ALONE) for m in lora.modules for t in _pair(tracer, checkpoint, m)]
    outside = [Unplaced(name, "stands beside the factors of an adapter") for name in lora.others]
    built = network_of(tracer, "adapter", "names", remarks=(_REMARK,))
    return Built(built.networks, (*built.unplaced, *alone, *outside)) if built.networks else None


def _pair(tracer: Tracer, checkpoint: Checkpoint, module: LoraModule) -> tuple[str, ...]:
    """Trace a pair; the names of factors that make none."""
    names = tuple(name for name in (module.down, module.up) if name is not None)
    if len(names) < 2 or module.down_rank is None or module.down_rank != module.up_rank:
        return names
    down, up = (checkpoint.tensors[name] for name in names)
    turned = down.shape[0] != module.down_rank
    if not all(2 <= len(t.shape) <= 5 and 0 not in t.shape for t in (down, up)):
        return names
    into = down.shape[0] if turned else down.shape[1]
    x = tracer.input(f"{module.module} (input)", (1, into, 1))
    x = _through(tracer, f"{module.module}.down", down, x, turned=turned)
    tracer.expose(x)  # a fresh adapter's second factor is zero: that silences no unit
    tracer.output(_through(tracer, f"{module.module}.up", up, x, turned=turned))
    return ()


def _through(tracer: Tracer, name: str, tensor: Tensor, x: Traced, *, turned: bool) -> Traced:
    kind: CallKind = "linear" if len(tensor.shape) == 2 else "conv"
    if kind == "linear":
        weight = layouts.linear(tensor, transposed=turned)
    else:
        weight = layouts.convolution(tensor)
    return tracer.call(name, kind, weight, x, 1, (1, weight.rows, 1), 1, Confidence.HIGH)
