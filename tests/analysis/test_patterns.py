"""Patterns of configurations are matched as `re` matches them, in bounded time."""

from __future__ import annotations

import random
import re
import time

import pytest

from modlint.analysis import patterns
from modlint.analysis.patterns import matches

ATOMS = ("a", "b", ".", r"\d", r"\w", "[ab]", "[^a.]", r"\.", "x1", "(a)", "(?:b)", "(?P<n>a)")
PLACES = ("^", "$", r"\b", r"\B", "(?=a)", "(?!b)", r"\A", r"\Z")
REPEATS = ("", "", "", "*", "+", "?", "{2}", "{1,2}", "{,2}", "{1,}", "*?", "+?")
PUBLISHED = (
    (r".*\.(q|k|v|o)_proj", "model.layers.3.self_attn.q_proj", True),
    (r"model\.layers\.(\d+)\.mlp\.(gate|up)_proj$", "model.layers.3.mlp.up_proj", True),
    (r"^(language_model(?=\.).*\.(q_proj|v_proj))$", "language_model.layers.0.q_proj", True),
    (r"^(language_model(?=\.).*\.(q_proj|v_proj))$", "vision.layers.0.q_proj", False),
    (r"(?i).*LM_HEAD", "model.lm_head", True),
    (r"(.*\.)?(layers\.1\..*)", "base.layers.1.fc", True),
    (r".*(?<!x)fc", "model.fc", True),
)
TRAPS = (
    "(a|a)" * 40 + "b",
    "a?" * 40 + "a" * 40 + "b",
    "(a*)*b",
    "(.*)*(.*)*(.*)*z",
    "(a{1,9}){99}b",
)


def any_pattern(random_: random.Random, depth: int = 2) -> str:
    parts = []
    for _ in range(random_.randint(1, 4)):
        if random_.random() < 0.15:
            parts.append(random_.choice(PLACES))
        elif depth and random_.random() < 0.3:
            branches = [any_pattern(random_, depth - 1) for _ in range(random_.randint(1, 3))]
            parts.append(f"({'|'.join(branches)}){random_.choice(REPEATS)}")
        else:
            parts.append(random_.choice(ATOMS) + random_.choice(REPEATS))
    return "".join(parts)


@pytest.mark.parametrize("ways", [0, patterns.MAX_WAYS])
def test_as_re_matches(ways: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both where `re` is given a pattern and where it is matched in steps."""
    monkeypatch.setattr(patterns, "MAX_WAYS", ways)
    random_, compared = random.Random(0), 0
    for _ in range(600):
        pattern = any_pattern(random_)
        name = "".join(random_.choices("ab.x1", k=random_.randint(0, 9)))
        try:
            expected = re.compile(pattern)
        except re.error:
            assert matches(pattern, name) is None
            continue
        for whole, found in ((False, expected.match(name)), (True, expected.fullmatch(name))):
            assert matches(pattern, name, whole=whole) == (found is not None), (pattern, name)
        compared += 1
    assert compared > 400


@pytest.mark.parametrize(("pattern", "name", "found"), PUBLISHED)
def test_patterns_that_people_write(pattern: str, name: str, found: bool) -> None:
    assert matches(pattern, name, whole=True) is found


@pytest.mark.parametrize("pattern", TRAPS)
def test_traps_take_no_time(pattern: str) -> None:
    start = time.perf_counter()
    assert not matches(pattern, "a" * 400)
    assert time.perf_counter() - start < 1


@pytest.mark.parametrize(
    "pattern", ["(", "*", "[", "(" * 4000, "a" * 6000, r"(a)+\1(b)*c", "(?s)(a)*"]
)
def test_of_others_nothing_is_said(pattern: str) -> None:
    assert matches(pattern, "aa") is None
