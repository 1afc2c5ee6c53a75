"""STG001: weights whose mantissas were written over."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.octaves import TensorOctaves
from modlint.checkpoint import Tensor
from modlint.results.octaves import LEAST
from modlint.rule import Examination, Options
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Verdict
from modlint_rules.base.layer_weights import LayerWeightRule
from modlint_rules.steganalysis import MANTISSA_PAYLOAD

_OCTAVES = TensorOctaves()
FEWEST = 8192
"""Elements from which on a mantissa that is wholly written over shows in normal weights."""
_MANTISSA = {"float32": 23, "float16": 10, "bfloat16": 7}


class MantissaPayloadOptions(Options, frozen=True):
    """Options of STG001."""

    max_slope: Annotated[
        float,
        Meta(
            description="jump of the density at the edges of cells, over the jump of the cells'"
            " means, that healthy weights may have",
            gt=0,
            lt=1,
        ),
    ] = 0.75
    min_deviations: Annotated[
        float,
        Meta(
            description="standard errors by which the jump must lie above 0.3, which no healthy"
            " tensor has",
            gt=0,
        ),
    ] = 5.0


class MantissaPayload(LayerWeightRule[MantissaPayloadOptions], reference=MANTISSA_PAYLOAD):
    """Densities that are flat where those of trained weights are smooth."""

    options_type = MantissaPayloadOptions
    weights = LayerWeights(FEWEST)
    kind = f"layer weight of {FEWEST:,} elements or more"
    analyses = (_OCTAVES,)
    advice = (
        "find out where the file comes from, and compare it with the publisher's (--baseline-model"
        " and STG003 tell which bits differ); rounding the weights to bfloat16 destroys what is"
        " written in the bits below"
    )

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:
        """A finding where the density is flat in cells."""
        found = file.result(_OCTAVES, tensor)
        level = found.written(self.options.max_slope, self.options.min_deviations)
        if level is None:
            return None
        jumps, mantissa = found.levels[level], _MANTISSA.get(tensor.dtype.name, 23)
        bits = max(1, mantissa - level)
        cell = "octave" if level == 0 else f"1/{1 << level} of an octave"
        return self.failed(
            of_tensor(tensor),
            f"the density of its {found.elements:,} elements is flat in each {cell}, and jumps"
            f" between (slope {jumps.slope:.2f} ± {jumps.error:.2f}, healthy below 0.3): so it is"
            f" where the low {bits} of {mantissa} bits of a mantissa are written over with a"
            " payload, and not after training",
            help=self.advice,
            values={
                "slope": jumps.slope,
                "error": jumps.error,
                "bits": bits,
                "agreeing": jumps.agreeing,
                "telling": jumps.telling,
                "elements": found.elements,
            },
            limit={"slope": {"max": self.options.max_slope}},
        )

    def healthy(self, file: Examination, examined: int) -> Verdict:
        """What is said of a file without findings: where values form a lattice, nothing shows."""
        results = [file.result(_OCTAVES, tensor) for tensor in self.subjects(file)]
        octaves = [found.levels[0] for found in results if found.levels]
        target = whole_file(file.checkpoint)
        if not octaves:
            return self.not_applicable(target, f"{count(examined, 'layer weight')}, all quantised")
        slopes = [jumps.slope for jumps in octaves if jumps.telling >= LEAST]
        return self.passed(
            target,
            f"{count(len(octaves), 'layer weight')}, the density of none is flat in parts of"
            " octaves",
            values={"tensors": len(octaves), "largest_slope": max(slopes, default=None)},
        )
