"""Low-rank adapters as a file stores them: which factors belong to which module."""

from __future__ import annotations

from msgspec import Struct


class LoraModule(Struct, frozen=True):
    """The factors of one adapted module; tensors by their names.

    Attributes:
        module: its path without what wrappers put before it ("model.layers.0.mlp.up_proj").
        layout: who writes such names: "peft", "diffusers", "kohya", "mlx", "loralib".
        down: the factor that reads the input (A, down), None where it is absent.
        up: the factor that gives the output (B, up), None where it is absent.
        magnitude: DoRA's magnitude vector, None where there is none.
        alpha: the scale that is stored as a tensor, None where there is none.
        adapter: the adapter's name within the keys ("default"), "" where they bear none.
        down_rank: rank by the first factor, None where its shape does not tell.
        up_rank: rank by the second factor, likewise.
    """

    module: str
    layout: str
    down: str | None = None
    up: str | None = None
    magnitude: str | None = None
    alpha: str | None = None
    adapter: str = ""
    down_rank: int | None = None
    up_rank: int | None = None


class Lora(Struct, frozen=True):
    """What a file holds of a low-rank adapter.

    Attributes:
        modules: the adapted modules, in the file's order.
        base_layers: weights and biases of the layers that the factors stand beside.
        others: further tensors of at least two axes: base weights, modules trained as a whole.
        factor_bytes: bytes of factors, magnitudes and scales.
        base_bytes: bytes of `base_layers`.
        other_bytes: bytes of `others`.
    """

    modules: tuple[LoraModule, ...] = ()
    base_layers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    factor_bytes: int = 0
    base_bytes: int = 0
    other_bytes: int = 0

    @property
    def rest_bytes(self) -> int:
        """Bytes of what is no factor."""
        return self.base_bytes + self.other_bytes
