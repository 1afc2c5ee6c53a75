"""Which weights `modlint spectra` measures, and what of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from msgspec import Struct

from modlint.analysis.base import Array, Progress
from modlint.analysis.beside import Document
from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.lora import LoraFactors
from modlint.analysis.matching import elements_of
from modlint.analysis.quantisation import QuantisedWeights
from modlint.analysis.spectra import TensorSpectrum, difference, merged
from modlint.checkpoint import Tensor
from modlint.dtypes import precision_of
from modlint.engine.diff.adapter import Factors, Targets, scale_of
from modlint.engine.examine import FileExamination
from modlint.errors import Unavailable, UnreadableError
from modlint.portraits.spectra_document import Kind, LayerSpectrum
from modlint.results.lora import LoraModule
from modlint.results.spectra import Spectrum

FEWEST = 8
"""Eigenvalues of a layer; of fewer nothing is told."""
_ADAPTER = "adapter_config.json"


class Layer(Struct, frozen=True, eq=False):
    """A weight to measure, and how."""

    name: str
    kind: Kind
    shape: tuple[int, ...]
    dtype: str
    measure: Callable[[], Spectrum]


def measured(layers: list[Layer], progress: Progress) -> tuple[list[LayerSpectrum], dict[str, str]]:
    """The spectra, one layer after the other, and by name why some have none."""
    found, unavailable = list[LayerSpectrum](), dict[str, str]()
    for index, layer in enumerate(layers):
        progress("measuring", index, len(layers))
        try:
            spectrum = layer.measure()
        except (Unavailable, UnreadableError) as error:
            unavailable[layer.name] = str(error).removeprefix(f"tensor {layer.name}: ")
            continue
        few = spectrum.eigenvalues < FEWEST and spectrum.method == "gram"
        if few and layer.kind != "adapter":
            unavailable[layer.name] = f"fewer than {FEWEST} eigenvalues"
            continue
        found.append(
            LayerSpectrum(
                name=layer.name,
                kind=layer.kind,
                shape=layer.shape,
                dtype=layer.dtype,
                spectrum=spectrum,
            )
        )
    return found, unavailable


def layers_of(
    file: FileExamination, base: FileExamination | None, analysis: TensorSpectrum
) -> Iterator[Layer]:
    """Every layer weight of a file, adapted modules by their product, and beside their base."""
    found, config = file.result(LoraFactors(), file.checkpoint).modules, _config(file)
    modules = [each for each in found if each.down is not None and each.up is not None]
    factors = {name for module in found for name in (module.down, module.up)}
    targets = Targets([] if base is None else list(_weights(base)))
    for tensor in _weights(file):
        if tensor.name in factors:
            continue
        yield _weight(tensor, "weight", file, analysis)
        other = None if base is None else base.checkpoint.tensors.get(tensor.name)
        if base is not None and other is not None and not modules:
            yield _change(tensor, other, file, base, analysis)
    for module in modules:
        yield from _adapter(_product(module, file, config), analysis, base, targets)


def _weights(file: FileExamination) -> Iterator[Tensor]:
    """Weights of layers, and the codes of quantised ones, in the file's order."""
    checkpoint = file.checkpoint
    names = file.result(LayerWeights(1), checkpoint)
    quantised = file.result(QuantisedWeights(), checkpoint).weights.values()
    codes = {weight.parts["codes"].name for weight in quantised if "codes" in weight.parts}
    for tensor in checkpoint.tensors.values():
        if tensor.name in names or tensor.name in codes:
            yield tensor


def _weight(tensor: Tensor, kind: Kind, file: FileExamination, analysis: TensorSpectrum) -> Layer:
    return Layer(
        tensor.name,
        kind,
        tensor.shape,
        tensor.dtype.name,
        lambda: file.result(analysis, tensor),
    )


def _change(
    tensor: Tensor,
    other: Tensor,
    file: FileExamination,
    base: FileExamination,
    analysis: TensorSpectrum,
) -> Layer:
    def measure() -> Spectrum:
        change = difference(file.dequantised(tensor.name), base.dequantised(other.name))
        if not change.any():
            raise Unavailable("it is as in the base")
        return analysis.of_array(change, precision_of(tensor.dtype.name))

    return Layer(tensor.name, "change", tensor.shape, tensor.dtype.name, measure)


class _Product(NamedTuple):
    """What an adapter adds to the weight of a module: scale · B A."""

    module: str
    down: Tensor
    up: Tensor
    scale: float
    transposed: bool

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the weight that it is added to."""
        if self.transposed:
            return (*self.up.shape[1:], *self.down.shape[:1])
        return (*self.up.shape[:1], *self.down.shape[1:])

    def factors(self) -> tuple[Array, Array]:
        """A and B.

        Raises:
            Unavailable: they cannot be read, or are no matrices.
        """
        down, up = elements_of(self.down), elements_of(self.up)
        if not self.transposed:
            return down, up
        if down.ndim != 2 or up.ndim != 2:
            raise Unavailable("its factors make no product")
        return down.T, up.T


def _product(module: LoraModule, file: FileExamination, config: Mapping[str, Any]) -> _Product:
    tensors = file.checkpoint.tensors
    down, up = tensors[module.down or ""], tensors[module.up or ""]
    transposed = module.layout == "mlx"
    if transposed:
        return _Product(module.module, down, up, _mlx_scale(config), transposed)
    factors = Factors(module.module, down, up, tensors.get(module.alpha or ""))
    return _Product(module.module, down, up, scale_of(factors, config) or 1.0, transposed)


def _mlx_scale(config: Mapping[str, Any]) -> float:
    """What MLX multiplies the product by; 1 where nothing says."""
    stated = config.get("lora_parameters")
    scale = stated.get("scale") if isinstance(stated, Mapping) else None
    known = isinstance(scale, int | float) and not isinstance(scale, bool)
    return float(scale) if known and scale is not None else 1.0


def _adapter(
    product: _Product,
    analysis: TensorSpectrum,
    base: FileExamination | None,
    targets: Targets[Tensor],
) -> Iterator[Layer]:
    dtype = product.up.dtype.name

    def alone() -> Spectrum:
        return analysis.of_product(*product.factors(), product.scale, precision_of(dtype))

    yield Layer(product.module, "adapter", product.shape, dtype, alone)
    if base is None:
        return
    target = targets.of(product.module)

    def adapted() -> Spectrum:
        if target is None:
            raise Unavailable("the base has no such weight")
        whole: Array = base.dequantised(target.name)
        return analysis.of_array(
            merged(whole, *product.factors(), product.scale), precision_of(target.dtype.name)
        )

    yield Layer(product.module, "adapted", product.shape, dtype, adapted)


def _config(file: FileExamination) -> Mapping[str, Any]:
    try:
        return Document(_ADAPTER).beside(file.checkpoint) or {}
    except Unavailable:
        return {}
