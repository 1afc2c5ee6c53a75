"""TRN001: weights are still what an initialiser drew."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis.layer_weights import LayerWeights
from modlint.checkpoint import Tensor
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.training import UNTRAINED
from modlint_rules.training.drawn import (
    DRAWN,
    MIN_UNIFORM,
    SPECTRUM,
    STATISTICS,
    Drawn,
    Limits,
    confirmed,
    drawn_weights,
)

_WEIGHTS = LayerWeights(MIN_UNIFORM)
_FEWEST = 3
"""Weights of a section from which on they are one finding."""
_FIXED = re.compile(
    r"projection_matrix|random|vera_[AB]|randlora|rff|fourier|gaussian|hyperplane|rotation|hadamard"
    r"|reservoir|frozen|prior",
    re.IGNORECASE,
)
"""Names of matrices that are drawn once and never trained, as their methods ask."""


class UntrainedOptions(Options, frozen=True):
    """Options of TRN001."""

    min_p_uniform: Annotated[
        float,
        Meta(description="p-value above which a weight is as a uniform initialiser", gt=0, lt=1),
    ] = 0.01
    min_p_normal: Annotated[
        float,
        Meta(description="p-value above which a weight is as a normal initialiser", gt=0, lt=1),
    ] = 0.05
    max_excess: Annotated[
        float,
        Meta(description="largest eigenvalue, in Tracy-Widom scales above the random edge", ge=0),
    ] = 4.0
    min_share: Annotated[
        float,
        Meta(description="share of a section's weights that makes one finding of them", gt=0, le=1),
    ] = 0.8
    max_spectra: Annotated[
        int, Meta(description="weights of a section whose spectrum is computed", ge=1, le=1000)
    ] = 8


class Untrained(FileRule[UntrainedOptions], reference=UNTRAINED):
    """Weights that no training has moved."""

    options_type = UntrainedOptions
    of_tensors = True
    advice = (
        "see that the weights were trained and then saved: a copy that was never updated, a layer"
        " outside the optimiser, keys that did not load; remove what is random on purpose"
    )

    def needs(self) -> tuple[Need, ...]:
        """Which tensors are weights, how they are distributed, and their spectra."""
        return (_WEIGHTS, STATISTICS, DRAWN, SPECTRUM)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each section that is untrained, else for each such weight."""
        options, judged, unjudged, found = self.options, 0, 0, list[Verdict]()
        limits = Limits(
            options.min_p_uniform, options.min_p_normal, options.max_excess, options.max_spectra
        )
        for section, tensors in _sections(file).items():
            drawn, decided = drawn_weights(tensors, file, limits)
            judged += decided
            unjudged += len(tensors) - decided
            initial = confirmed(drawn, decided, file, limits)
            if decided >= _FEWEST and len(initial) >= options.min_share * decided:
                found.append(self._section(section, len(initial), decided, file))
            else:
                found += map(self._weight, initial)
        yield from found or [self._sound(judged, unjudged, file)]

    def _section(self, section: str, initial: int, decided: int, file: Examination) -> Verdict:
        return self.failed(
            Target("file", section or file.checkpoint.path.name),
            f"{initial:,} of {count(decided, 'layer weight')} are as an initialiser draws them:"
            " the network was not trained",
            help=self.advice,
            values={"untrained": initial, "weights": decided, "share": initial / decided},
            limit={"share": {"max": self.options.min_share}},
        )

    def _weight(self, drawn: Drawn) -> Verdict:
        uniform = drawn.initialiser == "uniform"
        limit = self.options.min_p_uniform if uniform else self.options.min_p_normal
        return self.failed(
            of_tensor(drawn.tensor),
            f"its {drawn.result.elements:,} elements are {drawn.described}, as an initialiser draws"
            f" them (p = {drawn.p_value:.2f}), and no direction stands out: it was not trained",
            help=self.advice,
            values={
                "initialiser": drawn.initialiser,
                "p_value": drawn.p_value,
                "largest": drawn.result.largest,
                "std": drawn.result.std,
            },
            limit={"p_value": {"max": limit}},
        )

    def _sound(self, judged: int, unjudged: int, file: Examination) -> Verdict:
        target = whole_file(file.checkpoint)
        if judged:
            message = f"{count(judged, 'layer weight')}, none as an initialiser draws them"
            return self.passed(target, message, values={"weights": judged, "untrained": 0})
        weights = f"no layer weight of {MIN_UNIFORM:,} elements or more in 16 bits or more"
        if unjudged:
            weights = f"{count(unjudged, 'layer weight')} too small, sparse or not finite to judge"
        return self.not_applicable(target, weights)


def _sections(file: Examination) -> dict[str, list[Tensor]]:
    """By section, the weights that are judged, in the file's order."""
    names, sections = file.result(_WEIGHTS, file.checkpoint), defaultdict[str, list[Tensor]](list)
    for tensor in file.checkpoint.tensors.values():
        fixed = _FIXED.search(tensor.key) is not None
        if tensor.name in names and tensor.dtype.bits >= 16 and not fixed:
            sections[tensor.section].append(tensor)
    return sections
