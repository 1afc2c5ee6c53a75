"""Which weights are as an initialiser draws them, and are not shown to be trained."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from modlint.analysis.initialisation import InitialDistribution, SpectralExcess
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.initialisation import Initialisation, Initialiser
from modlint.rule import Examination
from modlint_rules.training.initial_vectors import bias_of, initial_bias, initial_share

MIN_UNIFORM, MIN_NORMAL = 4096, 16384
"""Elements from which on a test tells a trained weight from an initial one."""
STATISTICS = TensorStatistics()
DRAWN = InitialDistribution()
SPECTRUM = SpectralExcess()
_ROOM = 20.0
"""By how much a p-value may be smaller in a section of which half is explained."""
_FEW = 0.2
"""Share of a section's weights up to which a weight that looks normal is judged by itself."""


class Limits(Struct, frozen=True):
    """What makes a weight untrained; the options of TRN001 say what each is."""

    min_p_uniform: float
    min_p_normal: float
    max_excess: float
    max_spectra: int


class Drawn(Struct, frozen=True):
    """A weight that an initialiser explains."""

    tensor: Tensor
    initialiser: Initialiser
    result: Initialisation

    @property
    def p_value(self) -> float:
        """Of the initialiser that explains it best."""
        return self.result.p_values[self.initialiser]

    @property
    def described(self) -> str:
        """How its elements are distributed."""
        if self.initialiser == "uniform":
            return f"uniform within ±{self.result.largest:.4g}"
        if self.initialiser == "normal":
            return f"normal with standard deviation {self.result.std:.4g}"
        return f"normal, cut off at ±{self.result.largest:.4g}"


def drawn_weights(
    tensors: Sequence[Tensor], file: Examination, limits: Limits
) -> tuple[list[Drawn], int]:
    """Weights that an initialiser explains, and how many could be told from one.

    Where half of them or more are explained, the others are given more room: of twenty initial
    weights one has a p-value below 0.05.
    """
    results = list[tuple[Tensor, Initialisation]]()
    for tensor in tensors:
        try:
            results.append((tensor, file.result(DRAWN, tensor)))
        except Unavailable:
            continue
    drawn, decided = _explained(results, limits)
    if 2 * len(drawn) >= decided > len(drawn):
        room = replace(
            limits,
            min_p_uniform=limits.min_p_uniform / _ROOM,
            min_p_normal=limits.min_p_normal / _ROOM,
        )
        drawn, decided = _explained(results, room)
    return drawn, decided


def _explained(
    results: Sequence[tuple[Tensor, Initialisation]], limits: Limits
) -> tuple[list[Drawn], int]:
    """Those that an initialiser explains, and how many are large enough to tell."""
    drawn, decided = list[Drawn](), 0
    for tensor, result in results:
        name = _initialiser(result, limits)
        too_small = result.elements < MIN_NORMAL and name not in (None, "uniform")
        decided += not too_small
        if name is not None and not too_small:
            drawn.append(Drawn(tensor, name, result))
    return drawn, decided


def confirmed(drawn: list[Drawn], decided: int, file: Examination, limits: Limits) -> list[Drawn]:
    """Those that nothing else shows to be trained: their bias, their section, their spectrum.

    Spectra are computed of the largest; where all of these are random the others are taken to be.
    """
    few = len(drawn) <= _FEW * decided
    likely = [d for d in drawn if d.initialiser == "uniform" or _is_fresh(d, few, file)]
    by_size = sorted(likely, key=lambda d: -d.tensor.elements)
    checked = by_size[: limits.max_spectra]
    random = [d for d in checked if _is_random(d.tensor, file, limits)]
    rest = by_size[len(checked) :] if len(random) == len(checked) else []
    kept = {d.tensor.name for d in random + rest}
    return [d for d in likely if d.tensor.name in kept]


def _initialiser(result: Initialisation, limits: Limits) -> Initialiser | None:
    if result.p_values["uniform"] > limits.min_p_uniform:
        return "uniform"
    normals: tuple[Initialiser, ...] = ("normal", "truncated-normal")
    best = max(normals, key=lambda name: result.p_values[name])
    return best if result.p_values[best] > limits.min_p_normal else None


def _is_fresh(drawn: Drawn, few: bool, file: Examination) -> bool:
    """Whether what stands beside a normal weight is initial too.

    A few small steps leave a normal weight normal, while they move a constant bias at once.
    """
    bias = bias_of(drawn.tensor, file.checkpoint)
    if bias is not None:
        return initial_bias(drawn.tensor, file.result(STATISTICS, bias))
    return few or initial_share(drawn.tensor.section, file, STATISTICS) >= 0.5


def _is_random(tensor: Tensor, file: Examination, limits: Limits) -> bool:
    try:
        return file.result(SPECTRUM, tensor) <= limits.max_excess
    except Unavailable:
        return False
