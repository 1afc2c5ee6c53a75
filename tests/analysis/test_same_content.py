"""Whether two tensors hold the same bytes."""

from __future__ import annotations

import pytest
import torch

from modlint.analysis.base import Inputs
from modlint.analysis.same_content import SameContent
from modlint.live import checkpoint_of

NO_INPUTS: Inputs = None  # type: ignore[assignment]  # the analysis asks for nothing
SAME = SameContent(r"head$", r"table$")


def compared(**tensors: torch.Tensor) -> list[bool]:
    return [pair.equal for pair in SAME.compute(checkpoint_of(tensors), NO_INPUTS)]


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.int8])
def test_equal_bytes_are_the_same(dtype: torch.dtype) -> None:
    table = torch.arange(600_000).to(dtype).reshape(600, 1000)
    assert compared(table=table, head=table.clone()) == [True]
    assert compared(table=table, head=table) == [True]


def test_the_last_element_is_compared() -> None:
    table = torch.zeros(700, 1000)
    head = table.clone()
    head[-1, -1] = 1
    assert compared(table=table, head=head) == [False]


def test_a_view_is_compared_where_it_lies() -> None:
    whole = torch.arange(40.0).reshape(10, 4)
    assert compared(table=whole[2:5], head=whole[2:5].clone()) == [True]
    assert compared(table=whole[2:5], head=whole[3:6]) == [False]


def test_other_shapes_types_and_layouts_are_not_compared() -> None:
    table = torch.ones(4, 6)
    assert compared(table=table, head=torch.ones(6, 4)) == []
    assert compared(table=table, head=table.double()) == []
    assert compared(table=table, head=torch.ones(6, 4).T) == []


def test_nothing_of_the_names() -> None:
    assert compared(weight=torch.ones(3, 3)) == []
