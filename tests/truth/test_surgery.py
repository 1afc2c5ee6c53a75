"""Surgery through a rebuilt network changes nothing; through a false one it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from msgspec.structs import replace as with_other

from modlint.network import Call, Network
from truth.sources import write
from truth.surgery import (
    File,
    dead,
    difference,
    exchanged,
    feeds,
    killed,
    opened,
    removed,
    scaled,
    units,
)
from truth.zoo import ZOO, built

SAME = 1e-5
EXCHANGED = {
    "cnn_batch_norm": 15,
    "cnn_flatten": 12,
    "encoder_norm_first": 63,
    "group_norm": 2,
    "grouped": 6,
    "grouped_queries": 12,
    "inverted_residual": 28,
    "lstm_stacked_bidirectional": 12,
    "mlp_prelu": 8,
    "residual_mlp_norm": 20,
    "siamese": 6,
    "tied_autoencoder": 5,
    "unet": 38,
}
Exported = Callable[[str, str], File]


@pytest.fixture
def exported(tmp_path: Path) -> Exported:
    return lambda name, source: opened(write(source, *built(ZOO[name]), tmp_path))


@pytest.mark.parametrize("source", ["onnx-ts", "onnx-dynamo"])
@pytest.mark.parametrize("name", EXCHANGED)
def test_exchanged_scaled_and_dead_units_change_nothing(
    name: str, source: str, exported: Exported
) -> None:
    if (name, source) == ("encoder_norm_first", "onnx-ts"):
        pytest.skip("the exporter knows no such attention")
    file = exported(name, source)
    found, given = units(file), feeds(file.model)
    other, moved = exchanged(file, found)
    assert moved >= EXCHANGED[name]
    assert difference(file.model, other.model, given) < SAME
    times, count = scaled(file, found)
    assert difference(file.model, times.model, given) < SAME if count else times.model is not None
    free = [unit for unit in found if not unit.fixed and unit.places]
    planted = killed(file, free[::4])
    gone = dead(planted, free)
    assert len(gone) >= len(free[::4]) / 2
    assert difference(planted.model, removed(planted, gone).model, given) < SAME


def test_units_behind_a_relu_are_scaled(exported: Exported) -> None:
    file = exported("mlp", "onnx-dynamo")
    times, count = scaled(file, units(file))
    assert count == 21
    assert (times.held["0.weight"] == 2 * file.held["0.weight"]).all()


def test_removing_a_unit_that_is_not_dead_changes_the_output(exported: Exported) -> None:
    file = exported("mlp", "onnx-dynamo")
    unit = next(u for u in units(file) if not u.fixed)
    assert difference(file.model, removed(file, [unit]).model, feeds(file.model)) > 1e-3


def _turned(network: Network) -> Network:
    """The network with the columns of its second layer read the other way round."""

    def operation(op: object) -> object:
        if not isinstance(op, Call) or op.name != network.calls[1].name:
            return op
        (span,) = op.reads
        return with_other(op, reads=(with_other(span, start=len(span.channels) - 1, stride=-1),))

    return with_other(network, operations=tuple(map(operation, network.operations)))


def test_a_false_network_is_found(exported: Exported) -> None:
    file = exported("mlp", "onnx-dynamo")
    false = replace(file, networks=tuple(_turned(network) for network in file.networks))
    other, _ = exchanged(false, units(false))
    assert difference(file.model, other.model, feeds(file.model)) > 1e-2
