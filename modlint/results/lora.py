"""Low-rank adapters as a file stores them: which factors belong to which module."""

from __future__ import annotations

from msgspec import Struct


class LoraModule(Struct, frozen=True):
    """The factors of one adapted module; tensors by their names.

    Attributes:
        module: its path without what wrappers put before it ("model.layers.0.mlp.up_proj").
        layout: who writes such names: "peft", "diffusers", "kohya", "mlx", "torchtune", "loralib".
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


class FurtherModule(Struct, frozen=True):
    """A module that another method of PEFT or LyCORIS adapts; tensors by their names.

    Attributes:
        module: its path without what wrappers put before it.
        switches: parameters that undo the adaptation of the module, each for itself, where all its
            elements are `neutral`.
        neutral: 0, or 1 where they are factors of activations (IA³).
        adapter: the adapter's name within the keys ("default"), "" where they bear none.
        prunes: whether training itself may set the switches of a module to `neutral` (AdaLoRA).
    """

    module: str
    switches: tuple[str, ...] = ()
    neutral: int = 0
    adapter: str = ""
    prunes: bool = False


class Lora(Struct, frozen=True):
    """What a file holds of an adapter.

    Attributes:
        modules: the modules that low-rank factors adapt, in the file's order.
        further: the modules that parameters of other methods adapt, likewise.
        base_layers: weights and biases of the layers that the factors stand beside.
        others: further tensors of at least two axes: base weights, modules trained as a whole.
        factor_bytes: bytes of what adapts: factors, magnitudes, scales.
        base_bytes: bytes of `base_layers`.
        other_bytes: bytes of `others`.
    """

    modules: tuple[LoraModule, ...] = ()
    further: tuple[FurtherModule, ...] = ()
    base_layers: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    factor_bytes: int = 0
    base_bytes: int = 0
    other_bytes: int = 0

    @property
    def adapted(self) -> tuple[LoraModule | FurtherModule, ...]:
        """All modules that are adapted, by whatever method."""
        return (*self.modules, *self.further)

    @property
    def paths(self) -> tuple[str, ...]:
        """Their paths."""
        return tuple(dict.fromkeys(module.module for module in self.adapted))

    @property
    def rest_bytes(self) -> int:
        """Bytes of what is no factor."""
        return self.base_bytes + self.other_bytes
