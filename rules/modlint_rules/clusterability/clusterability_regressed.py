"""CLU006: a network that has lost the clusterability of the baseline checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.comparison import counterpart
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.clusters import ClusterNull
from modlint.rule import Examination, Need
from modlint.scopes import weaker
from modlint.targets import of_network
from modlint.verdict import Verdict
from modlint_rules.clusterability import CLUSTERABILITY_REGRESSED
from modlint_rules.clusterability.not_clusterable import NotClusterable
from modlint_rules.clusterability.size import require_size

_HELP = (
    "look for what changed since the baseline: fine-tuning data, weight decay or a learning rate"
    " that wash modules out, a clusterability term or pruning left out; train on from the baseline"
    " with it, or compare with another --baseline-model"
)
_CHANGE = {
    (True, True): "clusterable as in the baseline",
    (True, False): "no longer clusterable",
    (False, True): "clusterable, which the baseline was not",
    (False, False): "not clusterable, nor was the baseline",
}
"""By whether the baseline passed CLU001's test, and whether the file does."""

_COMPARED = (
    "shuffles",
    "ncut",
    "spectral_sum",
    "null_mean",
    "null_std",
    "z_score",
    "p_value",
    "effect_size",
)
"""Values that are reported of both sides."""


class ClusterabilityRegressed(NotClusterable, reference=CLUSTERABILITY_REGRESSED):
    """CLU001's test of the file and of the reference, side by side, with options of its own."""

    needs_reference = True

    def needs(self) -> tuple[Need, ...]:
        """The test, of the network and of its counterpart."""
        return (self._test,)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Compare the network's verdict with that of its counterpart."""
        require_size(network, file, self.options.max_connections, self.name)
        if self.options.max_z is None:
            self.options.require_enough_shuffles()
        old, before = self._before(network, file)
        after = file.result(self._test, network)
        was, (holds, limit) = self._decide(before)[0], self._decide(after)
        target = of_network(network)
        name = "n-cut" if self.options.method == "filan2021" else "spectral sum"
        told = f"{name} {_told(after)}, in the baseline {_told(before)}"
        message = f"{_CHANGE[was, holds]}: {told}"
        values = self._compared(before, after)
        sure = weaker(network.confidence, old.confidence)
        if was and not holds:
            yield self.failed(
                target, message, help=_HELP, values=values, limit=limit, confidence=sure
            )
        else:
            limit = limit if was else {}  # nothing to lose, nothing that bounds this file
            yield self.passed(target, message, values=values, limit=limit, confidence=sure)

    def _before(self, network: Network, file: Examination) -> tuple[Network, ClusterNull]:
        """The network's counterpart in the reference, and its test.

        Raises:
            Unavailable: there is no counterpart, or no test of it.
        """
        reference = file.reference
        if reference is None:
            raise Unavailable("no baseline to compare with: give --baseline-model")
        old = counterpart(network, file.networks, reference.networks)
        try:
            return old, reference.result(self._test, old)
        except Unavailable as unavailable:
            raise Unavailable(f"the baseline: {unavailable}") from unavailable

    def _compared(self, before: ClusterNull, after: ClusterNull) -> dict[str, Any]:
        """CLU001's values without the samples, and the baseline's beside those compared."""
        values, old = self._values(after, None), self._values(before, None)
        del values["scale_free_sum"]
        del values["null_samples"]
        return values | {f"baseline_{name}": old[name] for name in _COMPARED}


def _told(result: ClusterNull) -> str:
    """What a test measured, in a few words."""
    return (
        f"{result.observed:.2f} against {result.null_mean:.2f} ± {result.null_std:.2g}"
        f" (z {result.z_score:.1f}, p {result.p_value:.2g})"
    )
