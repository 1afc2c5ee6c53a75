"""Work side by side, each piece on one thread of the linear algebra.

A small matrix gains nothing from several BLAS threads, which then wait for one another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from modlint.processors import usable_threads

T = TypeVar("T")
R = TypeVar("R")

WORKING_SET = 1 << 31
"""Bytes that all pieces of work together may hold at a time."""


def side_by_side(work: Callable[[T], R], pieces: Iterable[T], footprint: int = 0) -> Iterator[R]:
    """The results in order, on as many threads as may compute; leaving the loop ends the work.

    Args:
        work: done for each piece.
        pieces: what is to be done.
        footprint: bytes that one piece holds.
    """
    from threadpoolctl import threadpool_limits

    threads = max(1, min(usable_threads(), WORKING_SET // max(1, footprint)))
    pool = ThreadPoolExecutor(threads)
    with threadpool_limits(limits=1, user_api="blas"):
        try:
            for future in [pool.submit(work, piece) for piece in pieces]:
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)
