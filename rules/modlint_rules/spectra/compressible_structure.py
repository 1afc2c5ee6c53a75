"""SPC008: weights that few elements tell, and that are stored whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Annotated, NamedTuple

from msgspec import Meta

from modlint.analysis.layer_weights import MIN_STATISTICAL, LayerWeights
from modlint.analysis.spectra import WeightStructure
from modlint.checkpoint import Tensor
from modlint.errors import Unavailable
from modlint.results.spectra import Structure
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, file_size, printable
from modlint.verdict import Verdict
from modlint_rules.spectra import COMPRESSIBLE_STRUCTURE

_WEIGHTS = LayerWeights(MIN_STATISTICAL)
_LISTED = 50


class _Found(NamedTuple):
    tensor: Tensor
    structure: Structure

    @property
    def saved(self) -> int:
        """Bytes that storing it so would save."""
        spared = self.structure.elements - self.structure.kept
        return self.tensor.dtype.nbytes(spared)


class CompressibleStructureOptions(Options, frozen=True):
    """Options of SPC008."""

    max_distance: Annotated[
        float,
        Meta(description="relative distance of the weight that is rebuilt", gt=0, lt=1),
    ] = 0.02


class CompressibleStructure(
    FileRule[CompressibleStructureOptions], reference=COMPRESSIBLE_STRUCTURE
):
    """One line for a model: what structured storage would save."""

    options_type = CompressibleStructureOptions
    of_tensors = True
    portrayed = False

    def needs(self) -> tuple[Need, ...]:
        """Which tensors are weights, and their structure."""
        return (_WEIGHTS, self._analysis)

    @property
    def _analysis(self) -> WeightStructure:
        return WeightStructure(self.options.max_distance)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One verdict on the file."""
        names = file.result(_WEIGHTS, file.checkpoint)
        found, examined, unread = list[_Found](), 0, dict[str, str]()
        for tensor in file.checkpoint.tensors.values():
            if tensor.name not in names:
                continue
            try:
                structure = file.result(self._analysis, tensor)
            except Unavailable as unavailable:
                unread[tensor.name] = str(unavailable)
                continue
            examined += 1
            found += [_Found(tensor, structure)] if structure is not None else []
        yield self._verdict_on(found, examined, unread, file)

    def _verdict_on(
        self, found: list[_Found], examined: int, unread: dict[str, str], file: Examination
    ) -> Verdict:
        target = whole_file(file.checkpoint)
        if found:
            return self._finding(found, examined, file)
        if unread:
            name, reason = next(iter(unread.items()))
            return self.inconclusive(
                target, f"{count(len(unread), 'weight')} not examined ({name}: {reason})"
            )
        if not examined:
            return self.not_applicable(target, "the file holds no layer weight to judge")
        message = f"{count(examined, 'layer weight')}, none of a structure that would save half"
        return self.passed(target, message, values={"weights": examined, "saved_bytes": 0})

    def _finding(self, found: list[_Found], examined: int, file: Examination) -> Verdict:
        kinds = Counter[str]()
        for each in found:
            kinds[each.structure.kind] += each.saved
        largest = max(found, key=lambda each: each.saved)
        told = ", ".join(f"{kind} {file_size(saved)}" for kind, saved in kinds.most_common())
        return self.failed(
            whole_file(file.checkpoint),
            f"half of the elements or fewer tell {len(found):,} of"
            f" {count(examined, 'layer weight')}: to store these alone would save"
            f" {file_size(sum(kinds.values()))} ({told});"
            f" rebuilt, they differ by at most {max(e.structure.distance for e in found):.1e};"
            f" the largest is {printable(largest.tensor.name, 60)}",
            help=(
                "store the factors, diagonals or blocks, and rebuild the weights on loading; or"
                " use layers of that structure"
            ),
            values={
                "saved_bytes": sum(kinds.values()),
                "by_structure": dict(kinds),
                "weights": [
                    {
                        "name": each.tensor.name,
                        "structure": each.structure.kind,
                        "detail": each.structure.detail,
                        "distance": each.structure.distance,
                        "saved_bytes": each.saved,
                    }
                    for each in found[:_LISTED]
                ],
            },
            limit={"saved_bytes": {"max": 0}},
        )
