"""NUM006: codes, scales and configuration of quantised weights contradict one another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.quantisation import QuantisedWeights
from modlint.analysis.quantisation_values import QuantisationBreaches
from modlint.results.quantisation import Breach, Quantisation
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.base.folder import BESIDE, shard_of
from modlint_rules.numbers import QUANTISATION_CONTRACT

_WEIGHTS, _BREACHES = QuantisedWeights(), QuantisationBreaches()
_HELP = {
    "missing": "take it from the file that it was left out of, or quantise the model again",
    "orphaned-scale": "delete it, or put the codes back that it belongs to",
    "unlisted-unquantised": "list its module among those left as they are, or quantise it",
    "ignored-yet-quantised": "take its module off the list, or store its values",
    "nothing-quantised": "delete the quantisation from the configuration, or quantise the model",
    "configurations-disagree": "delete the one that is not meant, or make both say the same",
    "zero-point-format": "set checkpoint_format to what is stored, or convert the zero points",
}


class QuantisationContract(FileRule[Options], reference=QUANTISATION_CONTRACT):
    """What quantised weights, their companions and their configuration promise each other."""

    advice = "quantise the model again, and compare what was written with what was in memory"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The quantised weights, what contradicts in them, and the names beside the file."""
        return (_WEIGHTS, _BREACHES, BESIDE)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each breach."""
        if shard_of(file) is not None:
            return
        for breach in file.result(_BREACHES, file.checkpoint):
            yield self._finding(breach)

    def healthy(self, file: Examination) -> Verdict:
        """How many quantised weights of which scheme agree."""
        target, found = whole_file(file.checkpoint), file.result(_WEIGHTS, file.checkpoint)
        if shard_of(file) is not None:
            return self.not_applicable(target, "a shard is judged with its index")
        if found.unknown and (found.weights or not found.promised):
            return self.inconclusive(target, found.unknown)
        if not found.weights:
            return self._without(file, found)
        schemes = Counter(weight.scheme for weight in found.weights.values())
        computed = sum(weight.layout is not None for weight in found.weights.values())
        named = ", ".join(f"{n:,} {scheme}" for scheme, n in sorted(schemes.items()))
        values = {"weights": len(found.weights), "computed": computed, "schemes": dict(schemes)}
        message = f"{count(len(found.weights), 'quantised weight')}, consistent ({named})"
        return self.passed(target, message, values=values, limit={"breaches": {"max": 0}})

    def _without(self, file: Examination, found: Quantisation) -> Verdict:
        target = whole_file(file.checkpoint)
        if found.promised and found.method and file.checkpoint.tensors:
            reason = f"the configuration says {found.method}, and no such weight is recognised here"
            return self.inconclusive(target, reason)
        return self.not_applicable(target, "the file holds no quantised weight")

    def _finding(self, breach: Breach) -> Verdict:
        kind = "missing" if breach.kind.endswith("-missing") else breach.kind
        return self.failed(
            Target("tensor", breach.tensor),
            f"{breach.found}: {breach.why}",
            help=_HELP.get(kind, self.advice),
            values={"kind": breach.kind, **breach.values},
        )
