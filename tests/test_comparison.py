"""Which network of a baseline a network is compared with."""

from __future__ import annotations

import pytest
from hand_built import random_chain
from msgspec.structs import replace

from modlint.comparison import counterpart
from modlint.errors import Unavailable

SMALL = random_chain(0, 6, 5, 4).network
WIDE = random_chain(0, 6, 7, 4).network


def named(network: object, id: str) -> object:
    return replace(network, id=id)


def test_ids_tell_which_one() -> None:
    here = [named(SMALL, "generator"), named(WIDE, "discriminator")]
    there = [named(WIDE, "discriminator"), named(SMALL, "generator")]
    assert counterpart(here[0], here, there) is there[1]
    assert counterpart(here[1], here, there) is there[0]


def test_the_only_two_match_whatever_they_are_called() -> None:
    here, there = named(SMALL, "0"), named(SMALL, "model")
    assert counterpart(here, [here], [there]) is there
    with pytest.raises(Unavailable, match="no network '0'"):
        counterpart(here, [here], [there, named(SMALL, "ema")])
    with pytest.raises(Unavailable, match="no network '0'"):
        counterpart(here, [here, named(SMALL, "1")], [there])


def test_what_differs_is_named() -> None:
    with pytest.raises(Unavailable, match=r"differs: 7 neurons in 'fc0', here 5"):
        counterpart(SMALL, [SMALL], [WIDE])
    deep = random_chain(0, 6, 5, 5, 4).network
    with pytest.raises(Unavailable, match="differs: 4 groups of neurons, here 3"):
        counterpart(SMALL, [SMALL], [deep])
    first, *others = SMALL.operations
    twice = replace(SMALL, operations=(first, first, *others))
    with pytest.raises(Unavailable, match="differs: 80 connections, here 50"):
        counterpart(SMALL, [SMALL], [twice])


def test_a_baseline_without_a_network_gives_its_reason() -> None:
    none = replace(SMALL, groups=(), values=(), operations=(), reason="the names tell no order")
    with pytest.raises(Unavailable, match="could not be rebuilt: the names tell no order"):
        counterpart(SMALL, [SMALL], [none])
