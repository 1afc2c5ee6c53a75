"""Work that is done side by side, on the threads there are."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from modlint.numerics.linalg.threads import WORKING_SET, side_by_side
from modlint.processors import usable_threads


def _thread(_: int) -> int:
    time.sleep(0.02)
    return threading.get_ident()


def _blas_threads(_: int) -> int:
    np.ones((2, 2)) @ np.ones((2, 2))
    return max(p["num_threads"] for p in threadpool_info() if p["user_api"] == "blas")


def test_results_come_in_order() -> None:
    assert list(side_by_side(lambda n: n * n, range(20))) == [n * n for n in range(20)]


def test_each_piece_computes_on_one_thread() -> None:
    assert set(side_by_side(_blas_threads, range(4))) == {1}


def test_large_work_is_done_one_piece_at_a_time_on_all_threads() -> None:
    assert len(set(side_by_side(_thread, range(8)))) == min(8, usable_threads())
    assert len(set(side_by_side(_thread, range(8), WORKING_SET))) == 1
    assert set(side_by_side(_blas_threads, range(2), WORKING_SET)) == {usable_threads()}


def test_work_that_has_not_begun_is_dropped() -> None:
    done = []
    for _ in side_by_side(lambda n: (time.sleep(0.01), done.append(n)), range(50), WORKING_SET):
        break
    assert len(done) < 10


def test_no_result_is_waited_for_when_time_is_up() -> None:
    with pytest.raises(TimeoutError):
        list(side_by_side(lambda _: time.sleep(0.2), range(9), WORKING_SET, time.monotonic() + 0.1))
