"""The blocks of a network as networks of their own."""

from __future__ import annotations

import torch
from large_networks import language_model
from traced_networks import as_tensors

from modlint.analysis.parts import Parts
from modlint.analysis.weights import WeightArrays


def test_a_block_reads_the_stream_and_is_read_by_the_next() -> None:
    parts = language_model(3).result(Parts())
    assert [part.id for part in parts] == ["0/layers.0", "0/layers.1", "0/layers.2"]
    for part in parts:
        stream, *inner = part.groups
        assert (stream.size, stream.role, stream.exposed) == (8, "input", True)
        assert [(group.size, group.role) for group in inner] == [(8, "hidden")] * 2 + [
            (16, "hidden")
        ]
        entering = [value.name for value in part.values if value.is_input]
        assert len(entering) == 1
        assert len(part.calls) == 7


def test_the_edges_of_all_blocks_are_those_of_the_whole() -> None:
    inputs = language_model(3)
    whole = {block.layer: block.weights for block in inputs.tensors_of(WeightArrays()).blocks}
    found = [
        block
        for part in inputs.result(Parts())
        for block in as_tensors(WeightArrays().compute(part, inputs)).blocks
    ]
    assert [block.layer for block in found] == [layer for layer in whole if layer != "head"]
    for block in found:
        torch.testing.assert_close(block.weights, whole[block.layer])


def test_a_network_without_blocks_has_no_parts() -> None:
    from hand_built import random_chain

    assert random_chain(0, 4, 5, 3).result(Parts()) == ()
