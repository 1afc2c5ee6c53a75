"""Workers that share the threads there are."""

from __future__ import annotations

import threading
import time

import torch

from modlint.numerics.cluster.workers import WORKING_SET, workers

CPU = torch.device("cpu")


def _threads_used(footprint: int) -> set[int]:
    with workers(CPU, footprint) as pool:
        futures = [pool.submit(_rest) for _ in range(8)]
        return {future.result() for future in futures}


def _rest() -> int:
    time.sleep(0.02)
    return threading.get_ident()


def test_each_worker_computes_on_one_thread_and_the_caller_keeps_its_own() -> None:
    before = torch.get_num_threads()
    with workers(CPU) as pool:
        assert pool.submit(torch.get_num_threads).result() == 1
    assert torch.get_num_threads() == before


def test_large_work_runs_one_at_a_time_on_all_threads() -> None:
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    assert len(_threads_used(0)) == 3
    assert len(_threads_used(WORKING_SET)) == 1
    with workers(CPU, WORKING_SET) as pool:
        assert pool.submit(torch.get_num_threads).result() == 3
    torch.set_num_threads(before)


def test_work_that_has_not_begun_is_dropped() -> None:
    with workers(CPU, WORKING_SET) as pool:
        futures = [pool.submit(_rest) for _ in range(20)]
    assert any(future.cancelled() for future in futures)
