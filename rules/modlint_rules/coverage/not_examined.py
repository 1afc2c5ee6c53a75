"""COV001: what the run could not look at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from modlint.analysis.layer_weights import LayerWeights
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.errors import Unavailable
from modlint.network import Network, Unplaced
from modlint.rule import Examination, Need, Options, Rule
from modlint.scopes import if_examined
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.coverage import NOT_EXAMINED

_NAMED = 20
_SHOWN = 3
_LAYERS = LayerWeights(min_elements=2, codes=True)
_WEIGHT_KINDS = frozenset({"float", "complex", "quantised"})


class NotExamined(Rule[Options], reference=NOT_EXAMINED):
    """Tensors that should have been examined and were not; what no network reaches is told."""

    strict_severity = Severity.ERROR

    def needs(self) -> tuple[Need, ...]:
        """The widest tensor analysis, so that every tensor is visited; which are layers."""
        return (TensorStatistics(), _LAYERS)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        tensors = len(file.checkpoint.tensors)
        outside = _outside_networks(file.checkpoint, file.networks)
        layers, placed = self._layers(file)
        missing = [network for network in file.networks if network.reason is not None]
        dataless = [r.message for r in file.checkpoint.remarks if r.kind == "meta-tensor"]
        faults = {
            "tensors_unexamined": len(file.unexamined),
            "tensors_without_data": len(dataless),
        }
        values: dict[str, Any] = {
            "tensors": tensors,
            **faults,
            "weights_outside_networks": len(outside),
            "networks_missing": len(missing),
            "layers": len(layers),
            "layers_placed": len(placed),
            "unexamined": dict(islice(file.unexamined.items(), _NAMED)),
            "outside_networks": outside[:_NAMED],
            "unplaced": {one.tensor: one.reason for one in file.unplaced[:_NAMED]},
            "reasons": tuple(dict.fromkeys(str(network.reason) for network in missing)),
        }
        limit = {name: {"max": 0.0} for name in faults}
        target = whole_file(file.checkpoint)
        beyond = [*_placed(layers, placed, file.unplaced), *_missing(file.networks, missing)]
        parts = [*_unexamined(file), *dataless[:_SHOWN], *beyond]
        if any(faults.values()):
            yield self.failed(
                target,
                "; ".join(parts),
                help="do not read the other verdicts as covering these parts",
                values=values,
                limit=limit,
            )
        else:
            message = "; ".join([f"all {count(tensors, 'tensor')} examined", *beyond])
            passed = self.passed(target, message, values=values, limit=limit)
            yield if_examined(self, file.checkpoint, passed)

    @staticmethod
    def _layers(file: Examination) -> tuple[frozenset[str], frozenset[str]]:
        """Names of the weights of layers, and of those of them that stand in a network."""
        calls = [call.weight for network in file.networks for call in network.calls]
        placed = frozenset(calls)
        unplaced = frozenset(weight.tensor for weight in file.unplaced)
        try:
            named = file.result(_LAYERS, file.checkpoint)
        except Unavailable:
            named = frozenset()
        reached = frozenset[str]().union(*(network.tensors for network in file.networks))
        # what scales a layer of a network is a part of it, however large
        return (named - reached) | unplaced | placed, placed


def _outside_networks(checkpoint: Checkpoint, networks: Sequence[Network]) -> tuple[str, ...]:
    """Names of the weights in no network; () where there is no network to be in."""
    rebuilt = [network for network in networks if network.reason is None]
    if not rebuilt:
        return ()
    reached = frozenset[str]().union(*(network.tensors for network in rebuilt))
    return tuple(t.name for t in checkpoint.tensors.values() if _is_weight(t, reached))


def _is_weight(tensor: Tensor, reached: frozenset[str]) -> bool:
    return (
        tensor.name not in reached
        and tensor.role is Role.WEIGHT
        and tensor.dtype.kind in _WEIGHT_KINDS
        and tensor.shape != ()
    )


def _unexamined(file: Examination) -> Iterator[str]:
    if file.unexamined:
        name, reason = next(iter(file.unexamined.items()))
        yield f"{count(len(file.unexamined), 'tensor')} not examined ({name}: {reason})"


def _placed(
    layers: frozenset[str], placed: frozenset[str], unplaced: Sequence[Unplaced]
) -> Iterator[str]:
    """The share of layers that stand in a network, where that is not all or none of them."""
    if placed and len(placed) < len(layers):
        missing = next((w for w in unplaced if w.tensor not in placed), None)
        left = min(layers - placed) if missing is None else f"{missing.tensor}: {missing.reason}"
        yield (
            f"{len(placed):,} of {count(len(layers), 'layer')} in a network"
            f" ({len(placed) / len(layers):.0%}; not {left})"
        )


def _missing(networks: Sequence[Network], missing: Sequence[Network]) -> Iterator[str]:
    if missing:
        amount = "no network" if len(missing) == len(networks) else count(len(missing), "network")
        which = "could be" if len(missing) == len(networks) else "could not be"
        yield f"{amount} {which} rebuilt: {missing[0].reason}"
