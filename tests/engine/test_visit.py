"""The one visit of each tensor."""

from __future__ import annotations

import os
import signal
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar

import numpy as np
import pytest
from msgspec.structs import replace

from modlint.analysis.base import Chunk, TensorAnalysis
from modlint.analysis.bits import TensorBits
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Storage, Tensor, contiguous_strides
from modlint.dtypes import DTYPES
from modlint.engine import workers
from modlint.engine.visit import Visit, visit
from modlint.numerics.tensor import chunks
from modlint.processors import usable_threads


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
    codes = np.ones(3, np.int8)
    quantised = replace(_tensor("q", codes), dtype=DTYPES["qint8"])
    found = _visit([quantised, _tensor("t", codes)], _Whole())
    assert found.unexamined == {"q": "elements of type qint8 are not examined"}
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


def _mixed() -> list[Tensor]:
    """Tensors small and large, one of several parts, some of which cannot be examined."""
    random = np.random.default_rng(0)
    shapes = [(3,), (300, 400), (7, 5), (200, 300, 2), (1,), (900, 400), (0, 4), (250, 250)]
    tensors = [
        _tensor(f"t{i}", random.standard_normal(shape).astype(np.float32))
        for i, shape in enumerate(shapes)
    ]
    outside = Tensor("outside", tensors[0].dtype, (1 << 17,), (1,), tensors[0].storage)
    return [*tensors[:4], replace(tensors[1], name="second"), outside, *tensors[4:]]


@pytest.mark.parametrize("analyses", [(TensorStatistics(), TensorBits()), (_Failing(),)])
def test_the_number_of_threads_does_not_show(
    analyses: tuple[TensorAnalysis[Any], ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chunks, "CHUNK", 1 << 12)
    monkeypatch.setattr(chunks, "CHUNKS_OF_A_PART", 4)
    told = []
    for threads in (1, 2, 3, 8):
        found = visit(_mixed(), analyses, lambda: "cpu", lambda *_: None, threads)
        named = [(str(a), n, repr(r)) for a, of in found.results.items() for n, r in of.items()]
        told.append((named, list(found.unexamined.items()), found.internal_errors))
    assert told[0][0]
    assert "outside" in dict(told[0][1])
    assert all(other == told[0] for other in told)


def test_who_else_measures_does_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """An analysis that cannot be joined takes a tensor whole: others are joined all the same."""
    monkeypatch.setattr(chunks, "CHUNK", 1 << 10)
    monkeypatch.setattr(chunks, "CHUNKS_OF_A_PART", 2)
    statistics = TensorStatistics()
    alone = visit(_mixed(), [statistics], lambda: "cpu", lambda *_: None, 2)
    beside = visit(_mixed(), [statistics, _Whole()], lambda: "cpu", lambda *_: None, 2)
    assert alone.results[statistics] == beside.results[statistics]
    assert not np.isnan(beside.results[_Whole()]["t5"]).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_an_interrupt_ends_the_visit(threads: int) -> None:
    """Nothing more is read, and the threads end with the call."""
    read: list[str] = []
    before = threading.active_count()

    def interrupt(what: str, done: int, total: int) -> None:
        if done == 5:
            raise KeyboardInterrupt

    ones = np.ones((256, 256), np.float32)
    tensors = [_tensor(f"t{i}", ones, partial(read.append, f"t{i}")) for i in range(50)]
    with pytest.raises(KeyboardInterrupt):
        visit(tensors, [TensorStatistics()], lambda: "cpu", interrupt, threads)
    assert read == [f"t{i}" for i in range(5)]
    assert threading.active_count() == before


def test_an_interrupt_reaches_a_tensor_that_is_being_measured() -> None:
    class Slow(_Elements):
        def add(self, chunk: Chunk) -> None:
            began.set()
            time.sleep(0.05)

    class _Slow(_Whole, frozen=True):
        def begin(self, tensor: Tensor) -> Slow:
            return Slow(np.empty(0))

    began = threading.Event()
    values = np.zeros((100, chunks.CHUNK), np.uint8).view(np.float16)
    tensor = _tensor("t", values)
    main = threading.main_thread().ident
    assert main is not None

    def interrupt() -> None:
        began.wait()
        signal.pthread_kill(main, signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        visit([tensor], [_Slow()], lambda: "cpu", lambda *_: None, 2)
    thread.join()
    assert time.monotonic() - started < 1.5  # of the 2.5 seconds that all chunks take


def test_what_lies_in_memory_is_read_when_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of tensors that are inflated when read, those that are held at a time are bounded."""
    monkeypatch.setattr(workers, "MOST_HELD", 3 * (1 << 18))
    alive: set[int] = set()
    most = []

    class Held(bytearray):
        """The bytes of a tensor that is read; gone when nobody looks at them any more."""

    def tensor(index: int) -> Tensor:
        def read() -> memoryview:
            held = Held(1 << 18)
            alive.add(index)
            weakref.finalize(held, alive.discard, index)
            most.append(len(alive))
            return memoryview(held)

        storage = Storage(f"s{index}", 1 << 18, read)
        return Tensor(f"t{index}", DTYPES["float32"], (256, 256), (256, 1), storage)

    tensors = [tensor(index) for index in range(20)]
    found = visit(tensors, [TensorStatistics()], lambda: "cpu", lambda *_: None, 4)
    assert len(found.results[TensorStatistics()]) == 20
    assert max(most) <= 5  # three that are held, one that was just taken, one that is new


def test_threads_are_as_many_as_may_compute(monkeypatch: pytest.MonkeyPatch) -> None:
    processors = len(os.sched_getaffinity(0))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert usable_threads() == processors
    for allowed, threads in {"1": 1, "9999": processors, "0": 1, "x": processors}.items():
        monkeypatch.setenv("OMP_NUM_THREADS", allowed)
        assert usable_threads() == threads
