"""What the numerics may read of a file."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import torch


class Inputs(Protocol):
    """The weights of one network, and where to compute; analyses hand it on."""

    @property
    def device(self) -> torch.device:
        """Where to compute."""
        ...

    @property
    def progress(self) -> Callable[[str, int, int], None]:
        """To be called as work is done."""
        ...

    def weight(self, name: str) -> torch.Tensor:
        """A tensor's values by its name, on the device; read-only."""
        ...

    def result(self, analysis: Any, subject: Any) -> Any:
        """The result of an analysis that a description names, on a subject."""
        ...
