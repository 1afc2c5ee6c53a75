"""The patterns of SEC008 take linear time, whatever a stranger writes into a text."""

from __future__ import annotations

import time

import pytest

from modlint_rules.safety.secret_patterns import CODE, PATTERNS

LENGTH = 65_536
UNITS = (
    "\n", " ", ";", "| ", "curl ", "curl -", "curl -a ", "rm ", "a.", "a:", "a://b:", "a://a:b",
    "sk-", "sk-a-", "eyJ", "eyJaaaaaaaa-", "eyJaaaaaaaa.", "hf_", "xoxb-", "AIza", "C:\\Users",
    "/home/", "os.exec", "subprocess.", "from ", "import ", "-----BEGIN A ", "eval(", "nc -",
)  # fmt: skip


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("end", ["", "-", "!"])
def test_a_repeated_beginning_costs_no_more_than_its_length(unit: str, end: str) -> None:
    text = unit * (LENGTH // len(unit)) + end * (LENGTH // 2)
    started = time.process_time()
    for pattern in (*PATTERNS, *CODE):
        pattern.regex.search(text)
    assert time.process_time() - started < 1.5
