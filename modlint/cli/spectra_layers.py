"""Which weights `modlint spectra` measures, and what of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

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
from modlint.engine.diff.adapter import Factors, Targets, factors_of, scale_of
from modlint.engine.examine import FileExamination
from modlint.errors import Unavailable, UnreadableError
from modlint.portraits.spectra_document import Kind, LayerSpectrum
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
    modules, config = factors_of(file.checkpoint), _config(file)
    factors = _factor_names(file)
    targets = Targets([] if base is None else list(_weights(base)))
    for tensor in _weights(file):
        if tensor.name in factors:
            continue
        yield _weight(tensor, "weight", file, analysis)
        other = None if base is None else base.checkpoint.tensors.get(tensor.name)
        if base is not None and other is not None and not modules:
            yield _change(tensor, other, file, base, analysis)
    for module in modules.values():
        if module.down is not None and module.up is not None:
            yield from _adapter(module, config, analysis, base, targets)


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
        return analysis.of_array(change, precision_of(tensor.dtype.name))

    return Layer(tensor.name, "change", tensor.shape, tensor.dtype.name, measure)


def _adapter(
    module: Factors,
    config: Mapping[str, Any],
    analysis: TensorSpectrum,
    base: FileExamination | None,
    targets: Targets[Tensor],
) -> Iterator[Layer]:
    down, up = module.down, module.up
    assert down is not None  # noqa: S101 (the caller has looked)
    assert up is not None  # noqa: S101
    scale = scale_of(module, config) or 1.0
    precision = precision_of(up.dtype.name)

    def product() -> Spectrum:
        return analysis.of_product(elements_of(down), elements_of(up), scale, precision)

    sizes = (*up.shape[:1], *down.shape[1:])
    yield Layer(module.module, "adapter", sizes, up.dtype.name, product)
    if base is None:
        return
    target = targets.of(module.module)

    def adapted() -> Spectrum:
        if target is None:
            raise Unavailable("the base has no such weight")
        whole: Array = base.dequantised(target.name)
        return analysis.of_array(
            merged(whole, elements_of(down), elements_of(up), scale),
            precision_of(target.dtype.name),
        )

    yield Layer(module.module, "adapted", sizes, up.dtype.name, adapted)


def _factor_names(file: FileExamination) -> set[str]:
    """Tensors that are factors of an adapter: no weights of their own."""
    modules = file.result(LoraFactors(), file.checkpoint).modules
    return {name for module in modules for name in (module.down, module.up) if name is not None}


def _config(file: FileExamination) -> Mapping[str, Any]:
    try:
        return Document(_ADAPTER).beside(file.checkpoint) or {}
    except Unavailable:
        return {}
