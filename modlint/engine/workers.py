"""Threads that work side by side, and whose results are taken in the order of their work."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from types import TracebackType
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_HELD = 1 << 26
"""Bytes of memory that work which is not finished may hold before more of it is begun."""


class Workers(Generic[T]):
    """A queue of work; results are the same, and come in the same order, on any number of threads.

    Work is begun in order, and results are handed over in order, on the thread that asks for it. A
    context manager: work that has not begun is dropped when the block is left, and what runs sees
    `stopped`.
    """

    def __init__(self, threads: int, take: Callable[[T], None]) -> None:
        self.stopped = Event()
        self._threads = threads
        self._take = take
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None
        self._pending: deque[tuple[object, int, Future[T]]] = deque()

    def __enter__(self) -> Workers[T]:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            while kind is None and self._pending:
                self._take_first()
        finally:
            self.stopped.set()
            if self._pool is not None:
                self._pool.shutdown(cancel_futures=True)

    def make_room(self, nbytes: int) -> None:
        """Wait until what is pending holds so little memory that work may hold so many bytes."""
        while nbytes and self._held() and self._held() + nbytes > MOST_HELD:
            self._take_first()

    def put(
        self, work: Callable[[], T], *, owner: object = None, holds: int = 0, here: bool = False
    ) -> None:
        """Have some work done, once there is a thread for it.

        Args:
            work: gives a result.
            owner: whose work it is: what several pieces of one owner hold counts once.
            holds: bytes that it holds until its result is taken.
            here: whether to do it at once on this thread, as too little to hand on.
        """
        if here or self._pool is None:
            future: Future[T] = Future()
            future.set_result(work())
        else:
            while self._running() >= 2 * self._threads:
                self._take_first()
            future = self._pool.submit(work)
        self._pending.append((owner, holds, future))
        while self._pending and self._pending[0][2].done():
            self._take_first()

    def _take_first(self) -> None:
        self._take(self._pending[0][2].result())
        self._pending.popleft()

    def _running(self) -> int:
        return sum(not future.done() for _, _, future in self._pending)

    def _held(self) -> int:
        return sum({id(owner): holds for owner, holds, _ in self._pending}.values())
