"""SPC004: by how much the network stretches its inputs at most."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from modlint.analysis import spectra
from modlint.network import Network
from modlint.results.spectra import Lipschitz
from modlint.rule import Examination, Need, Options
from modlint.scopes import NetworkRule
from modlint.targets import of_network, whole_file
from modlint.text import number, printable
from modlint.verdict import Outcome, Verdict
from modlint_rules.spectra import LIPSCHITZ_BOUND

_BOUND = spectra.LipschitzBound()
_LARGEST = 300
"""Exponent of ten above which a bound is told by it alone."""


class LipschitzBoundOptions(Options, frozen=True):
    """Options of SPC004."""

    max_bound: Annotated[
        Annotated[float, Meta(gt=0)] | None,
        Meta(description="bound that the network may have; unset, it is told, not judged"),
    ] = None


class LipschitzBound(NetworkRule[LipschitzBoundOptions], reference=LIPSCHITZ_BOUND):
    """The product of the layers' largest singular values."""

    options_type = LipschitzBoundOptions
    portrayed = False

    def needs(self) -> tuple[Need, ...]:
        """The bound."""
        return (_BOUND,)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge each network; that some have no bound is said once, where none has."""
        found = list(super().check(file))
        bounded = [verdict for verdict in found if verdict.outcome is not Outcome.NOT_APPLICABLE]
        yield from bounded or found[:1]

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """One verdict for each network that has a bound."""
        found = file.result(_BOUND, network)
        if isinstance(found, str):
            yield self.not_applicable(whole_file(file.checkpoint), found)
        else:
            yield self._verdict_on(found, network)

    def _verdict_on(self, found: Lipschitz, network: Network) -> Verdict:
        limit = self.options.max_bound
        bound = 10**found.log_bound if found.log_bound < _LARGEST else None
        largest = max(found.layers, key=lambda layer: layer.bound)
        told = number(bound) if bound is not None else f"10^{found.log_bound:.0f}"
        assumed = ", if its unknown functions stretch nothing" if found.assumed else ""
        message = (
            f"stretches differences of its inputs at most {told} times, by its weights{assumed};"
            f" most of its {len(found.layers):,} layers {printable(largest.name, 60)}, by"
            f" {number(largest.bound)}"
        )
        return self.decided(
            of_network(network),
            message,
            passes=limit is None or (bound is not None and bound <= limit),
            help="train with spectral normalisation, or decay the layers that stretch most",
            values={
                "bound": bound,
                "log_bound": found.log_bound,
                "layers": [[layer.name, layer.bound] for layer in found.layers[:200]],
            },
            limit={} if limit is None else {"bound": {"max": limit}},
        )
