"""FMT007: weights that the file holds twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

import msgspec

from modlint.analysis.base import Analysis
from modlint.analysis.copies import StoredCopies
from modlint.analysis.weight_names import is_copy, is_embedding, role_of
from modlint.checkpoint import Checkpoint
from modlint.results.copies import Copy
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Target, Verdict
from modlint_rules.format import TIED_STORED_TWICE

_COPIES = StoredCopies(layers=True, min_values=17)
"""Fewer different values make equal weights likely: masks, signs, ternary weights."""
_NUMBERED = re.compile(r"(\w*::)?[A-Za-z_]*_?\d+")
"""What exporters call a constant that had no name of its own: its number means nothing."""


class TiedStoredTwiceOptions(Options, frozen=True):
    """What is large enough to matter."""

    min_bytes: Annotated[
        int, msgspec.Meta(description="bytes of a weight, from which a copy of it is told", ge=1)
    ] = 65536
    min_share: Annotated[
        float,
        msgspec.Meta(
            description="share of the file, from which a copy of a smaller embedding is told",
            ge=0,
            le=1,
        ),
    ] = 0.05


class TiedStoredTwice(FileRule[TiedStoredTwiceOptions], reference=TIED_STORED_TWICE):
    """Tied weights that were saved as if they were two, and copies that an export made."""

    options_type = TiedStoredTwiceOptions
    of_tensors = True
    advice = "store it once: safetensors.torch.save_model, or one initialiser for both nodes"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The weights of equal elements."""
        return (_COPIES,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding for each copy."""
        found = file.result(_COPIES, file.checkpoint)
        target = whole_file(file.checkpoint)
        nbytes = sum(tensor.nbytes for tensor in file.checkpoint.tensors.values())
        large = [copy for copy in found.copies if self._is_large(copy, nbytes)]
        copies = [copy for copy in large if not _is_meant(copy, file.checkpoint)]
        for copy in copies:
            yield self._finding(copy)
        if copies:
            return
        if found.unread:
            name, reason = next(iter(found.unread.items()))
            message = (
                f"{count(len(found.unread), 'tensor')} could not be compared ({name}: {reason})"
            )
            yield self.inconclusive(target, message)
        elif not found.compared:
            yield self.not_applicable(target, "the file holds no layer weight")
        else:
            message = f"{count(found.compared, 'layer weight')}, none stored twice"
            yield self.passed(target, message, values={"weights": found.compared, "nbytes": 0})

    def _is_large(self, copy: Copy, nbytes: int) -> bool:
        """Whether it is worth a word: much of itself, or an embedding that is much of the file."""
        tied = is_embedding(copy.name) or is_embedding(copy.of)
        share = copy.nbytes >= self.options.min_share * nbytes
        return copy.nbytes >= self.options.min_bytes or (tied and share)

    def _finding(self, copy: Copy) -> Verdict:
        how = "is the transpose of" if copy.transposed else "has the same elements as"
        return self.failed(
            Target("tensor", copy.name),
            f"{how} {copy.of}: {file_size(copy.nbytes)} are stored twice, and the two differ as"
            " soon as one of them is trained or converted alone",
            help=self.advice,
            values={"of": copy.of, "transposed": copy.transposed, "nbytes": copy.nbytes},
        )


def _is_meant(copy: Copy, checkpoint: Checkpoint) -> bool:
    """Whether a copy is one of its own right.

    Copies of a network stand in a section of their own or are called averaged, target and so on;
    layers that repeat may begin as copies of one.
    """
    tensors = checkpoint.tensors
    if tensors[copy.name].section != tensors[copy.of].section:
        return True
    if is_copy(copy.name) or is_copy(copy.of):
        return True
    return role_of(copy.name) == role_of(copy.of) and not _NUMBERED.fullmatch(copy.name)
