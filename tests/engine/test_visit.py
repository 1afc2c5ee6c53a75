"""The one visit of each tensor."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import pytest

from modlint.analysis.base import Chunk, TensorAnalysis
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.engine.visit import Visit, visit
from modlint.numerics.tensor import chunks


@dataclass
class _Elements:
    """Puts the elements together again, and notes where each chunk says that it lies."""

    array: np.ndarray
    starts: list[int] = field(default_factory=list)

    def add(self, chunk: Chunk) -> None:
        assert chunk.values.size <= chunks.CHUNK
        assert not chunk.values.flags.writeable
        self.starts.append(chunk.start)
        flat = chunk.values.reshape(-1)
        self.array[chunk.start : chunk.start + flat.size] = flat

    def end(self) -> np.ndarray:
        assert self.starts == sorted(self.starts)
        return self.array


class _Whole(TensorAnalysis[np.ndarray], frozen=True):
    name: ClassVar[str] = "whole"
    number: int = 0

    def accepts(self, tensor: Tensor) -> bool:
        return tensor.dtype.kind == "float"

    def begin(self, tensor: Tensor) -> _Elements:
        return _Elements(np.full(tensor.elements, np.nan))


class _Failing(_Whole, frozen=True):
    def begin(self, tensor: Tensor) -> Any:
        if tensor.name == "second":
            raise ZeroDivisionError("oops")
        return super().begin(tensor)


def _tensor(name: str, values: np.ndarray, read: Callable[[], None] = lambda: None) -> Tensor:
    data = memoryview(values.tobytes())

    def bytes_of() -> memoryview:
        read()
        return data

    dtype = DTYPES[str(values.dtype)]
    storage = Storage(name, len(data), bytes_of)
    return Tensor(name, dtype, values.shape, contiguous_strides(values.shape), storage)


def _visit(tensors: list[Tensor], *analyses: TensorAnalysis[Any]) -> Visit:
    return visit(tensors, analyses, lambda: "cpu", lambda *_: None)


@pytest.mark.parametrize("size", [1, 7, 64])
@pytest.mark.parametrize("shape", [(), (5,), (6, 5), (3, 4, 5), (2, 3, 4, 5), (1, 100), (40, 1, 3)])
def test_every_element_once_and_in_order(
    size: int, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", size)
    values = np.arange(np.prod(shape, dtype=int), dtype=np.float32).reshape(shape)
    found = _visit([_tensor("t", values)], _Whole()).results[_Whole()]["t"]
    assert found.tolist() == values.reshape(-1).tolist()


def test_a_tensor_is_read_once_for_all_analyses() -> None:
    reads: list[str] = []
    values = np.ones((300, 400), np.float32)
    tensor = _tensor("t", values, lambda: reads.append("t"))
    found = _visit([tensor], _Whole(1), _Whole(2))
    assert reads == ["t"]
    assert [set(results) for results in found.results.values()] == [{"t"}, {"t"}]


def test_what_raises_stays_with_its_tensor() -> None:
    ones = np.ones((2, 2), np.float32)
    tensors = [_tensor(name, ones) for name in ("first", "second", "third")]
    found = _visit(tensors, _Failing())
    assert set(found.results[_Failing()]) == {"first", "third"}
    assert found.unexamined == {"second": "internal error: ZeroDivisionError: oops"}
    assert found.internal_errors == ["tensor second: internal error: ZeroDivisionError: oops"]


def test_what_no_analysis_accepts_is_said() -> None:
    found = _visit([_tensor("t", np.ones(3, np.int64))], _Whole())
    assert found.unexamined == {"t": "elements of type int64 are not examined"}
    assert found.results == {_Whole(): {}}


def test_a_tensor_that_reaches_past_its_storage_is_not_examined() -> None:
    good = _tensor("t", np.ones(3, np.float32))
    long = Tensor("t", good.dtype, (4,), (1,), good.storage)
    assert _visit([long], _Whole()).unexamined == {"t": "its elements lie outside its storage"}


def test_nothing_is_chosen_or_read_where_there_is_nothing_to_do() -> None:
    def never() -> Any:
        raise AssertionError

    tensor = _tensor("t", np.ones(3, np.float32), never)
    assert visit([tensor], [], never, never).unexamined == {}
