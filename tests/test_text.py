"""Escapes, numbers, sizes, and what a stream can take."""

from __future__ import annotations

import io

import pytest

from modlint.text import (
    MAX_WIDTH,
    encodable,
    file_size,
    number,
    printable,
    wants_colour,
    width,
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fc2.weight", "fc2.weight"),
        ("重み é σ", "重み é σ"),
        ("a\nb\tc", r"a\nb\tc"),
        ("\x1b[31m\x9b1m\x7f", r"\x1b[31m\x9b1m\x7f"),
        ("\u202egnp.pt", r"\u202egnp.pt"),
        ("zero\u200bwidth\ufeff\u2028", r"zero\u200bwidth\ufeff\u2028"),
        ("\U000e0041", r"\U000e0041"),
        ("\udc80", r"\udc80"),
    ],
)
def test_invisible_characters_are_shown_as_escapes(text: str, expected: str) -> None:
    assert printable(text) == expected


def test_a_long_text_loses_its_middle() -> None:
    shown = printable("a" * 50 + "b" * 1_000_000 + "c" * 50, 40)
    assert len(shown) == 40
    assert shown.startswith("aaa")
    assert shown.endswith("ccc")
    assert "…" in shown
    assert printable("a" * 40, 40) == "a" * 40


@pytest.mark.parametrize(
    ("text", "encoding", "expected"),
    [
        ("✔ −3 … σ", "utf-8", "✔ −3 … σ"),
        ("✔ −3 … σ", None, "✔ −3 … σ"),
        ("✔ −3 … σ", "ascii", r"+ -3 ... \u03c3"),
        ("✔ … é", "cp1252", "+ … é"),
        ("━━╸··┃▂▅█", "ascii", "===..|.:#"),
    ],
)
def test_what_an_encoding_lacks_is_put_plainly(
    text: str, encoding: str | None, expected: str
) -> None:
    assert encodable(text, encoding) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (1818, "1,818"),
        (399872.0, "399,872"),
        (0.019607843, "0.0196"),
        (10.0163, "10.02"),
        (-4.8997, "-4.9"),
        (65504.25, "65,504"),
        (3.2e-9, "3.2e-09"),
        (1e300, "1e+300"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_numbers_are_short(value: float, expected: str) -> None:
    assert number(value) == expected


@pytest.mark.parametrize(
    ("nbytes", "expected"),
    [
        (0, "0 bytes"),
        (1, "1 byte"),
        (999, "999 bytes"),
        (1000, "1.0 kB"),
        (999_949, "999.9 kB"),
        (999_950, "1.0 MB"),
        (1_613_231, "1.6 MB"),
        (2_000_000_000, "2.0 GB"),
        (5 * 10**18, "5.0 EB"),
        (5 * 10**22, "50,000.0 EB"),
    ],
)
def test_sizes_are_decimal(nbytes: int, expected: str) -> None:
    assert file_size(nbytes) == expected


@pytest.mark.parametrize(
    ("environment", "terminal", "expected"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"TERM": "dumb"}, True, False),
        ({"NO_COLOR": "1"}, True, False),
        ({"NO_COLOR": ""}, True, True),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": ""}, False, False),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, True, False),
    ],
)
def test_colour_follows_the_environment_then_the_terminal(
    environment: dict[str, str], terminal: bool, expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert wants_colour(Terminal() if terminal else io.StringIO()) is expected


def test_width_is_80_in_a_pipe_and_bounded_in_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert width(io.StringIO()) == 80
    for columns, expected in (("100", 100), ("500", MAX_WIDTH), ("10", 40)):
        monkeypatch.setenv("COLUMNS", columns)
        assert width(Terminal()) == width(io.StringIO()) == expected
