"""Spectra for programs: a JSON document, and a CSV table with a row for each layer."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, Literal

import msgspec

from modlint.json_text import json_text, well_formed
from modlint.results.spectra import Spectrum

SCHEMA = "modlint-spectra/1"

Kind = Literal["weight", "adapter", "adapted", "change"]

_OF_WEIGHTWATCHER = {
    "alpha": "law.alpha",
    "D": "law.distance",
    "xmin": "law.xmin",
    "sigma": "law.sigma",
    "num_pl_spikes": "law.spikes",
    "alpha_weighted": "alpha_weighted",
    "log_alpha_norm": "log_alpha_norm",
    "norm": "norm",
    "log_norm": "log_norm",
    "spectral_norm": "spectral_norm",
    "log_spectral_norm": "log_spectral_norm",
    "stable_rank": "stable_rank",
    "num_spikes": "bulk.spikes",
    "sigma_mp": "bulk.sigma",
    "bulk_min": "bulk.lower",
    "bulk_max": "bulk.upper",
    "mp_softrank": "bulk.soft_rank",
    "num_traps": "shuffled.traps",
    "max_rand_eval": "shuffled.largest",
}
"""Columns by WeightWatcher's names."""
_OWN = {
    "rank": "rank",
    "effective_rank": "effective_rank",
    "kernel_length": "kernels.length",
    "kernel_period": "kernels.period",
    "kernel_share": "kernels.share",
    "kernel_flatness": "kernels.flatness",
    "leading_singular_value": "update.leading",
    "frobenius_norm": "update.frobenius",
    "energy_concentration": "update.concentration",
    "spectral_entropy": "update.entropy",
    "element_kurtosis": "update.kurtosis",
}
_SIZES = {
    "N": "rows",
    "M": "columns",
    "slices": "slices",
    "num_evals": "eigenvalues",
    "method": "method",
    "error": "error",
}
_MEASURED = {**_SIZES, **_OF_WEIGHTWATCHER, **_OWN}
COLUMNS = ("name", "kind", "shape", "dtype", *_MEASURED)

SUMMARISED = (
    *("alpha", "alpha_weighted", "log_alpha_norm", "log_norm", "log_spectral_norm"),
    "stable_rank",
)
"""What is averaged over the layers."""


class LayerSpectrum(msgspec.Struct, frozen=True, kw_only=True):
    """The spectrum of one weight.

    Attributes:
        name: of the tensor, or of the module that an adapter changes.
        kind: "weight"; "adapter" for the product of low-rank factors, "adapted" for a weight with
            it, "change" for a weight less that of the base.
        shape: of the weight.
        dtype: as it is stored.
        spectrum: what is measured.
    """

    name: str
    kind: Kind
    shape: tuple[int, ...]
    dtype: str
    spectrum: Spectrum

    def value(self, column: str) -> Any:
        """What a column of the CSV holds; None where it was not measured."""
        found: Any = self.spectrum
        for part in _MEASURED[column].split("."):
            found = None if found is None else getattr(found, part)
        return found


class SpectraDocument(msgspec.Struct, frozen=True, kw_only=True):
    """The spectra of a file's weights.

    Attributes:
        path: of the file.
        base: of the file that it is compared with, or that it adapts.
        summary: by kind, the number of layers and the means over them.
        layers: in the file's order.
        unavailable: by name, why a weight has no spectrum.
    """

    schema: str = SCHEMA
    path: str
    base: str | None
    summary: Mapping[Kind, Mapping[str, float]]
    layers: tuple[LayerSpectrum, ...]
    unavailable: Mapping[str, str]

    @classmethod
    def of(
        cls,
        path: str,
        base: str | None,
        layers: Sequence[LayerSpectrum],
        unavailable: Mapping[str, str],
    ) -> SpectraDocument:
        """The document, with the means over the layers of each kind."""
        kinds = dict.fromkeys(layer.kind for layer in layers)
        return cls(
            path=path,
            base=base,
            summary={
                kind: _means([layer for layer in layers if layer.kind == kind]) for kind in kinds
            },
            layers=tuple(layers),
            unavailable=unavailable,
        )

    def to_json(self) -> str:
        """Indented JSON; numbers that are not finite are null."""
        return json_text(self)

    def to_csv(self) -> str:
        """A row for each layer; columns that WeightWatcher has too bear its names."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(self._rows())
        return text.getvalue()

    def _rows(self) -> Iterator[list[Any]]:
        for layer in self.layers:
            shape = "x".join(map(str, layer.shape))
            own = [well_formed(layer.name), layer.kind, shape, layer.dtype]
            yield [*own, *(layer.value(column) for column in _MEASURED)]


def _means(layers: Sequence[LayerSpectrum]) -> dict[str, float]:
    means: dict[str, float] = {"layers": len(layers)}
    for column in SUMMARISED:
        values = [v for layer in layers if (v := layer.value(column)) is not None]
        if values:
            means[column] = fmean(values)
    return means
