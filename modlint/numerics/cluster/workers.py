"""Workers that compute side by side.

A small graph's eigenproblem gains little from several BLAS threads, so samples run side by side
instead, each on one thread; where memory lets fewer run, each has more threads.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import torch

WORKING_SET = 1 << 31
"""Bytes that all workers together may hold at a time; fewer work side by side on large graphs."""


@contextmanager
def workers(device: torch.device, footprint: int = 0) -> Iterator[ThreadPoolExecutor]:
    """A pool of workers that share the threads which torch may use; one on an accelerator.

    Work that has not begun is dropped when the block is left.

    Args:
        device: where the work runs.
        footprint: bytes that one piece of work holds.
    """
    threads = torch.get_num_threads() if device.type == "cpu" else 1
    number = max(1, min(threads, WORKING_SET // max(1, footprint)))
    # torch's number of threads is a setting of each thread: the caller's stays as it is
    each = (threads // number,)
    pool = ThreadPoolExecutor(number, initializer=torch.set_num_threads, initargs=each)
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)
