"""What a value of a graph is while it is followed."""

from __future__ import annotations

from collections.abc import Sequence

from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.onnx_graph.static import Static


class Items(list["Traced | Static"]):
    """A sequence of tensors."""


Value = Traced | Static | Items
Result = Value | None | Sequence[Value | None]
