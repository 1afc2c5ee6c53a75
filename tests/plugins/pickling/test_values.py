"""What pickles stand for, against the values that were pickled."""

from __future__ import annotations

import collections
import math
import pickle
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modlint_plugins.pickling.scan import interpret
from modlint_plugins.pickling.values import Array, Blob, Dict, NumpyDType, Object, Set

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
    | st.binary() | st.complex_numbers(allow_nan=False)
)  # fmt: skip
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text() | st.integers(), inner, max_size=4)
        | st.frozensets(st.integers() | st.text(), max_size=4)
    ),
    max_leaves=12,
)


def thawed(value: Any) -> Any:
    """The Python value that an inert one stands for."""
    if isinstance(value, Blob):
        return bytes(value.view)
    if isinstance(value, Dict):
        return {thawed(key): thawed(item) for key, item in value.pairs}
    if isinstance(value, Set):
        return frozenset(map(thawed, value.items))
    if isinstance(value, (list, tuple)):
        return type(value)(map(thawed, value))
    return value


@settings(max_examples=150, deadline=None)
@given(values, st.integers(0, 5))
def test_plain_values_survive(value: Any, protocol: int) -> None:
    found = interpret(memoryview(pickle.dumps(value, protocol)))
    assert found.trace.incomplete is None
    assert thawed(found.value) == value


@pytest.mark.parametrize("protocol", range(6))
def test_collections(protocol: int) -> None:
    value = [
        collections.OrderedDict(a=1, b=2),
        collections.defaultdict(list, c=[3]),
        collections.Counter("aab"),
        {4},
        frozenset({5}),
        bytearray(b"six"),
    ]
    found = interpret(memoryview(pickle.dumps(value, protocol)))
    assert thawed(found.value) == [
        {"a": 1, "b": 2},
        {"c": [3]},
        {"a": 2, "b": 1},
        {4},
        {5},
        b"six",
    ]


@pytest.mark.parametrize("protocol", range(6))
def test_shared_and_cyclic_values_keep_their_identity(protocol: int) -> None:
    cycle: list[Any] = [{"x": 1}]
    cycle += [cycle[0], cycle]
    value = interpret(memoryview(pickle.dumps(cycle, protocol))).value
    assert value[0] is value[1]
    assert value[2] is value


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("order", ["C", "F"])
def test_numpy_arrays(protocol: int, order: Any) -> None:
    array = np.asarray(np.arange(12, dtype=">f4").reshape(3, 4), order=order)
    value = interpret(memoryview(pickle.dumps(array, protocol))).value
    assert isinstance(value, Array)
    assert isinstance(value.dtype, NumpyDType)
    assert (value.shape, value.dtype.code, value.dtype.order) == ((3, 4), "f4", ">")
    assert value.fortran is (order == "F")
    assert bytes(value.data.view) == array.tobytes(order)


@pytest.mark.parametrize("protocol", range(6))
def test_numpy_scalars_become_numbers(protocol: int) -> None:
    numbers = [np.float64(0.1), np.int64(-3), np.float32(math.pi), np.bool_(True), np.uint16(9)]
    value = interpret(memoryview(pickle.dumps(numbers, protocol))).value
    assert value == [0.1, -3, float(np.float32(math.pi)), True, 9]


def test_bytes_literals_stay_mapped() -> None:
    data = pickle.dumps(b"x" * 1000, 4)
    value = interpret(memoryview(data)).value
    assert value.view.obj is data
    assert data[value.offset :].startswith(b"x" * 1000)


class Plain:
    """Stands for a class that modlint does not know."""

    def __init__(self) -> None:
        self.a = 1


@pytest.mark.parametrize("protocol", range(6))
def test_instances_keep_class_and_state(protocol: int) -> None:
    found = interpret(memoryview(pickle.dumps(Plain(), protocol)))
    assert isinstance(found.value, Object)
    assert found.value.function.name == "Plain"
    assert not found.value.called
    assert thawed(found.value.state) == {"a": 1}
    uses = {use.name: use.use for use in found.trace.uses}
    assert uses["Plain"] == "instantiated"
