"""Work side by side, the threads of the linear algebra shared out.

A small matrix gains nothing from several BLAS threads, which then wait for one another: pieces of
work run side by side instead, each on one thread; where memory lets fewer run, each has more.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from modlint.processors import usable_threads

T = TypeVar("T")
R = TypeVar("R")

WORKING_SET = 1 << 31
"""Bytes that all pieces of work together may hold at a time."""


def side_by_side(
    work: Callable[[T], R], pieces: Iterable[T], footprint: int = 0, end: float = math.inf
) -> Iterator[R]:
    """The results in order, on as many threads as may compute; leaving the loop ends the work.

    Args:
        work: done for each piece.
        pieces: what is to be done.
        footprint: bytes that one piece holds.
        end: the time of `time.monotonic` after which no result is waited for.

    Raises:
        TimeoutError: it has come.
    """
    from threadpoolctl import threadpool_limits

    usable = usable_threads()
    threads = max(1, min(usable, WORKING_SET // max(1, footprint)))
    pool = ThreadPoolExecutor(threads)
    with threadpool_limits(limits=usable // threads, user_api="blas"):
        try:
            for future in [pool.submit(work, piece) for piece in pieces]:
                left = None if end == math.inf else max(0.0, end - time.monotonic())
                yield future.result(left)
        finally:
            pool.shutdown(cancel_futures=True)
