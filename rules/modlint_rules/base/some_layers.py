"""Rules that judge the layers of one kind, and do not apply to networks that have none."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.errors import Unavailable
from modlint.network import Call, Network
from modlint.rule import Examination, OptionsT
from modlint.scopes import NetworkRule
from modlint.targets import of_layer
from modlint.verdict import Verdict


class SomeLayersRule(NetworkRule[OptionsT]):
    """A check of those layers of each network that are of a kind."""

    def judge(self, network: Network, file: Examination) -> Iterator[Verdict]:
        """A verdict on each layer of the kind."""
        for layer in network.calls:
            try:
                verdict = self.judge_layer(layer, network, file)
            except Unavailable as unavailable:
                verdict = self.inconclusive(of_layer(layer, network), str(unavailable))
            if verdict is not None:
                yield verdict

    def judge_layer(self, layer: Call, network: Network, file: Examination) -> Verdict | None:
        """A verdict on a layer; None where it is not of the kind.

        Raises:
            Unavailable: a need cannot be met.
        """
        raise NotImplementedError
