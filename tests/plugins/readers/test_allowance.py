"""Limits in seconds count what the machine does for the file, not what it does beside it."""

from __future__ import annotations

import time

import pytest

from modlint.errors import UnreadableError
from modlint_plugins.pickling.limits import Budget, LimitReached, Limits
from modlint_plugins.readers import contained
from modlint_plugins.readers.contained import Allowance

SECONDS = 0.05


def work() -> None:
    until = time.thread_time() + 2 * SECONDS
    while time.thread_time() < until:
        sum(range(1000))


def test_waiting_takes_nothing_of_the_time_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contained, "MAX_SECONDS", SECONDS)
    allowance = Allowance()
    time.sleep(3 * SECONDS)
    allowance.check_time()
    work()
    with pytest.raises(UnreadableError, match="opening its parts takes more than"):
        allowance.check_time()


def test_waiting_takes_nothing_of_the_time_to_interpret() -> None:
    budget = Budget(Limits(seconds=SECONDS))
    budget.begin()
    time.sleep(3 * SECONDS)
    budget.spend_opcodes(1)
    work()
    with pytest.raises(LimitReached, match="seconds"):
        budget.spend_opcodes(1)
