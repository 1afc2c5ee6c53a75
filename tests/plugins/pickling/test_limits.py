"""Hitting a bound ends interpretation, says which bound, and keeps what was found before."""

from __future__ import annotations

import struct

import pytest

from modlint_plugins.pickling.limits import Budget, Limits
from modlint_plugins.pickling.render import LENGTH
from modlint_plugins.pickling.scan import interpret

PAYLOAD = b"cos\nsystem\n(S'id'\ntR"


@pytest.mark.parametrize(
    ("limits", "data", "reason"),
    [
        (Limits(opcodes=5000), b"N0" * 10_000, "more than 5,000 opcodes"),
        (Limits(seconds=0), b"N0" * 10_000, "more than 0 seconds"),
        (Limits(marks=10), b"(" * 20, "more than 10 open MARKs"),
        (Limits(globals=3), b"ca\nb\n" * 9, "more than 3 globals"),
        (
            Limits(copied_bytes=2000),
            b"(X\xd0\x07\0\0" + b"a" * 2000,
            "more than 2,000 bytes of text",
        ),
        (Limits(copied_bytes=2000), b"V" + b"a" * 5000 + b"\n", "a line of over 2,000 bytes"),
        (
            Limits(copied_bytes=2000),
            (b"P" + b"a" * 1500 + b"\n0") * 2,
            "more than 2,000 bytes of text",
        ),
        (Limits(integer_bytes=99), b"\x8b\x00\x01\0\0" + b"\1" * 256, "an integer of 256 bytes"),
        (Limits(integer_bytes=99), b"L" + b"9" * 100 + b"L\n", "an integer of 100 bytes"),
        (Limits(name_length=9), b"cabcdefghijkl\nx\n", "a global's name of over 9 characters"),
    ],
)
def test_each_limit(limits: Limits, data: bytes, reason: str) -> None:
    trace = interpret(memoryview(PAYLOAD + data + b"."), budget=Budget(limits)).trace
    assert trace.incomplete is not None
    assert trace.incomplete.startswith(reason)
    assert trace.uses[0].rendered == "os.system('id')"


def test_one_budget_is_shared_by_all_pickles_of_a_file() -> None:
    budget = Budget(Limits(globals=3))
    for expected in (None, None, None, "more than 3 globals (GLOBAL at byte 0)"):
        trace = interpret(memoryview(b"ca\nb\n."), budget=budget).trace
        assert trace.incomplete == expected


def test_copies_that_a_function_would_make_are_accounted_for() -> None:
    text = b"X" + (10_000).to_bytes(4, "little") + b"a" * 10_000 + b"q\x00"
    encode = b"c_codecs\nencode\nq\x010" + b"h\x01h\x00\x85R" * 50
    trace = interpret(
        memoryview(text + encode + b"."), budget=Budget(Limits(copied_bytes=100_000))
    ).trace
    assert trace.incomplete is not None
    assert "more than 100,000 bytes" in trace.incomplete


def test_uses_of_one_global_are_counted_but_not_all_kept() -> None:
    calls = b"".join(b"h\x00(K" + bytes([n]) + b"tR0" for n in range(100))
    trace = interpret(memoryview(b"cx\ny\nq\x00" + calls + b".")).trace
    assert [use.rendered for use in trace.uses] == [f"x.y({n})" for n in range(100)]


def test_beyond_the_uses_that_are_kept_literals_are_told_once() -> None:
    calls = b"".join(b"h\x00(M" + struct.pack("<H", n) + b"tR0" for n in range(200))
    *_, last = interpret(memoryview(b"cx\ny\nq\x00" + calls + b".")).trace.uses
    assert (last.rendered, last.literal) == ("…", True)


def test_many_harmless_uses_do_not_hide_another_kind_of_use() -> None:
    data = b"\x80\x02cx\ny\nq\x00" + b"h\x00)\x810" * 100 + b"h\x00)R."
    assert {use.use for use in interpret(memoryview(data)).trace.uses} == {"instantiated", "called"}


@pytest.mark.parametrize(
    "args",
    [
        b"(" + b"S'" + b"a" * 5000 + b"'\nt",
        b"(" + b"(" * 50 + b"t" * 50 + b"t",
        b"(" + b"K\x01" * 500 + b"t",
        b"(L" + b"9" * 4000 + b"L\nt",
    ],
)
def test_renderings_are_short(args: bytes) -> None:
    (use,) = interpret(memoryview(b"cx\ny\n" + args + b"R.")).trace.uses
    assert use.rendered.startswith("x.y(")
    assert len(use.rendered) <= LENGTH


def test_renderings_hold_no_control_characters() -> None:
    data = b"\x80\x04\x8c\x05\x1b[2Jx\x8c\x01y\x93\x8c\x04\x1b[2J\x85R."
    (use,) = interpret(memoryview(data)).trace.uses
    assert use.rendered.isprintable()
