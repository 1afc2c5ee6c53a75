"""Which channel of one weight is read by which column of another."""

from __future__ import annotations

import pytest
import torch
from traced_networks import Drawn, NetworkInputs

from modlint.edges import direct_edges, tensor_edges
from modlint.errors import Unavailable
from modlint.json_text import plain
from modlint.network_contents import NetworkContents

Listed = dict[tuple[str | None, str], list[tuple[int, int]]]


def _edges(inputs: NetworkInputs) -> Listed:
    return {
        (edges.producer, edges.consumer): [(a, b) for a, b in edges.pairs.T.tolist()]
        for edges in direct_edges(inputs.network)
    }


def _each(size: int, first: int = 0) -> list[tuple[int, int]]:
    return [(i, first + i) for i in range(size)]


def test_a_chain() -> None:
    drawn = Drawn()
    hidden = drawn.relu(drawn.linear("a", drawn.input(1, 3), torch.ones(4, 3)))
    inputs = drawn.inputs(drawn.linear("b", hidden, torch.ones(2, 4)))
    assert _edges(inputs) == {(None, "a"): _each(3), ("a", "b"): _each(4)}


def test_what_reads_a_sum_reads_all_that_is_added() -> None:
    drawn = Drawn()
    stem = drawn.relu(drawn.linear("stem", drawn.input(1, 3), torch.ones(4, 3)))
    inner = drawn.relu(drawn.linear("in", stem, torch.ones(5, 4)))
    stream = drawn.add(stem, drawn.linear("out", inner, torch.ones(4, 5)))
    inputs = drawn.inputs(drawn.linear("head", stream, torch.ones(2, 4)))
    assert _edges(inputs) == {
        (None, "stem"): _each(3),
        ("stem", "in"): _each(4),
        ("in", "out"): _each(5),
        ("out", "head"): _each(4),
        ("stem", "head"): _each(4),
    }


def test_columns_of_a_concatenation_shuffled_and_flattened() -> None:
    drawn = Drawn()
    image = drawn.input(1, 2, 2, 2)
    a = drawn.conv("a", image, torch.ones(3, 2, 1, 1))
    both = drawn.move(drawn.concat(1, image, a), lambda array: array[:, ::-1])
    row = drawn.flatten(drawn.relu(both), channels_last=True)
    inputs = drawn.inputs(drawn.linear("fc", row, torch.ones(1, 20)))
    assert _edges(inputs)["a", "fc"] == [
        (channel, 5 * place + 2 - channel) for channel in range(3) for place in range(4)
    ]
    assert _edges(inputs)[None, "fc"] == [
        (channel, 5 * place + 4 - channel) for channel in range(2) for place in range(4)
    ]


def test_queries_and_keys_feed_nothing_and_values_feed_the_output() -> None:
    drawn = Drawn()
    x = drawn.input(1, 5, 6)
    q, k, v = (drawn.linear(name, x, torch.ones(6, 6)) for name in "qkv")
    inputs = drawn.inputs(drawn.linear("o", drawn.attention(q, k, v, 2), torch.ones(6, 6)))
    assert {pair for pair in _edges(inputs) if pair[1] == "o"} == {("v", "o")}
    assert _edges(inputs)["v", "o"] == _each(6)


def test_a_recurrent_layer_reads_itself() -> None:
    drawn = Drawn()
    state = drawn.recurrent("rnn", drawn.input(1, 5, 3), torch.ones(8, 3), torch.ones(8, 2))
    inputs = drawn.inputs(drawn.linear("fc", state, torch.ones(1, 2)))
    assert _edges(inputs) == {
        (None, "rnn"): _each(3),
        ("rnn", "rnn (state)"): _each(2),
        ("rnn (state)", "rnn (state)"): _each(2),
        ("rnn", "fc"): _each(2),
        ("rnn (state)", "fc"): _each(2),
    }


def test_a_weight_that_is_read_twice_is_one_tensor() -> None:
    drawn = Drawn()
    weight = torch.ones(3, 3)
    x = drawn.relu(drawn.linear("a", drawn.input(1, 3), weight))
    for _ in range(2):
        x = drawn.relu(drawn.linear("a", x, weight, tensor="a.weight"))
    inputs = drawn.inputs(x)
    found = {(e.producer, e.consumer): e.pairs.T.tolist() for e in tensor_edges(inputs.network)}
    own = [[i, i] for i in range(3)]
    assert found == {(None, "a.weight"): own, ("a.weight", "a.weight"): own}


def test_json_names_producer_and_consumer_from_and_to() -> None:
    drawn = Drawn()
    inputs = drawn.inputs(drawn.linear("a", drawn.input(1, 2), torch.ones(1, 2)))
    contents = plain(NetworkContents.of(inputs.network, {}, edges=True))
    assert contents["edges"] == [{"from": None, "to": "a.weight", "columns": [[0, 0], [1, 1]]}]
    assert "edges" not in plain(NetworkContents.of(inputs.network, {}))


def _stream(blocks: int, size: int) -> NetworkInputs:
    """A stream to which each block adds: what it reads is all that was added before."""
    drawn = Drawn()
    stream = drawn.linear("stem", drawn.input(1, size), torch.ones(size, size))
    for block in range(blocks):
        inner = drawn.relu(drawn.linear(f"{block}.in", stream, torch.ones(size, size)))
        stream = drawn.add(stream, drawn.linear(f"{block}.out", inner, torch.ones(size, size)))
    return drawn.inputs(stream)


def test_more_edges_than_can_be_listed_are_none() -> None:
    network = _stream(20, 8).network
    listed = sum(edges.pairs.shape[1] for edges in direct_edges(network))
    assert listed == 8 * (1 + 20 + 20 * 21 // 2)
    with pytest.raises(Unavailable, match="more than are listed"):
        list(direct_edges(network, listed - 1))
