"""CLU006: a network that has lost the modules of the baseline checkpoint."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint.comparison import counterpart
from modlint.errors import Unavailable
from modlint.network import Network
from modlint.results.modules import ModuleTest
from modlint.rule import Examination, Need
from modlint.scopes import weaker
from modlint.targets import of_network
from modlint.verdict import Verdict
from modlint_rules.clusterability import CLUSTERABILITY_REGRESSED
from modlint_rules.clusterability.no_modules import NoModules
from modlint_rules.clusterability.size import require_size

_HELP = (
    "look for what changed since the baseline: fine-tuning data, weight decay or a learning rate"
    " that wash modules out, a clusterability term or pruning left out; train on from the baseline"
    " with it, or compare with another --baseline-model"
)
_CHANGE = {
    (True, True): "modules as in the baseline",
    (True, False): "no longer modules",
    (False, True): "modules, which the baseline had not",
    (False, False): "no modules, nor had the baseline any",
}
"""By whether the baseline passed CLU007's test, and whether the file does."""

_COMPARED = ("clusters", "effect_size", "p_value", "p_interval", "shuffles", "smallest")
"""Values that are reported of both sides."""

_LONG = ("null_samples", "scan", "layers")
"""Values of CLU007 that are not."""


class ClusterabilityRegressed(NoModules, reference=CLUSTERABILITY_REGRESSED):
    """CLU007's test of the file and of the reference, side by side, with options of its own."""

    needs_reference = True

    def needs(self) -> tuple[Need, ...]:
        """The test, of the network and of its counterpart."""
        return (self.options.test,)

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """Compare the network's verdict with that of its counterpart."""
        if not any(group.role == "hidden" for group in network.groups):
            return
        options, target = self.options, of_network(network)
        require_size(network, file, options.max_connections, self.name)
        options.require_enough_shuffles()
        old, before = self._before(network, file)
        after = file.result(options.test, network)
        was, holds = options.holds(before), options.holds(after)
        message = f"{_CHANGE[was, holds]}: {_told(after)}, in the baseline {_told(before)}"
        values = self._compared(before, after)
        sure = weaker(network.confidence, old.confidence)
        if was and not holds:
            yield self.failed(
                target, message, help=_HELP, values=values, limit=options.limit, confidence=sure
            )
        else:
            limit = options.limit if was else {}  # nothing to lose, nothing that bounds this file
            yield self.passed(target, message, values=values, limit=limit, confidence=sure)

    def _before(self, network: Network, file: Examination) -> tuple[Network, ModuleTest]:
        """The network's counterpart in the reference, and its test.

        Raises:
            Unavailable: there is no counterpart, or no test of it.
        """
        reference = file.reference
        if reference is None:
            raise Unavailable("no baseline to compare with: give --baseline-model")
        old = counterpart(network, file.networks, reference.networks)
        try:
            return old, reference.result(self.options.test, old)
        except Unavailable as unavailable:
            raise Unavailable(f"the baseline: {unavailable}") from unavailable

    def _compared(self, before: ModuleTest, after: ModuleTest) -> dict[str, Any]:
        """CLU007's values, and the baseline's beside those compared."""
        values, old = self._values(after), self._values(before)
        own = {name: value for name, value in values.items() if name not in _LONG}
        return own | {f"baseline_{name}": old[name] for name in _COMPARED}


def _told(found: ModuleTest) -> str:
    """What a test measured, in a few words."""
    return f"effect {found.effect_size:.1%} at k* {found.clusters} (p {found.p_value:.2g})"
