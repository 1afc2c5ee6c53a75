"""Pickles, archives and programs written as text."""

from __future__ import annotations

import base64
import contextlib
import gzip
import io
import json
import pickle
import time
import zipfile
import zlib
from collections.abc import Callable

import pytest

from modlint.errors import UnreadableError
from modlint_plugins.code.encoded import decode


class Calls:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("ran",)


def archive() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as opened:
        opened.writestr("a", "b")
    return buffer.getvalue()


PAYLOADS = [pickle.dumps(Calls(), protocol) for protocol in range(6)]
CONTAINERS = [
    archive(),
    gzip.compress(b"x" * 99, mtime=0),
    zlib.compress(b"x" * 99),
    b"\x7fELF\x02\x01\x01" + bytes(9),
]
STANDARD = [
    lambda data: base64.b64encode(data).decode(),
    lambda data: base64.urlsafe_b64encode(data).decode(),
    lambda data: base64.b64encode(data).decode().rstrip("="),
    lambda data: base64.encodebytes(data).decode(),
    lambda data: " \n\t" + base64.b64encode(data).decode() + "  \n",
    lambda data: "!".join(base64.b64encode(data).decode()),
    lambda data: "data:application/x;base64," + base64.b64encode(data).decode(),
    lambda data: json.dumps({"a": "words", "b": base64.encodebytes(data).decode(), "c": 1}),
    lambda data: (
        '{"a": "' + "".join(f"\\u{ord(c):04x}" for c in base64.b64encode(data).decode()) + '"}'
    ),
    lambda data: "some words, then " + base64.b64encode(data).decode(),
    lambda data: data.hex(),
    lambda data: "0x" + data.hex().upper(),
    lambda data: data.hex(" "),
    lambda data: data.hex(":"),
    lambda data: "".join(f"\\x{byte:02x}" for byte in data),
]


@pytest.mark.parametrize("write", STANDARD)
@pytest.mark.parametrize("payload", [*PAYLOADS, *CONTAINERS])
def test_it_is_decoded_however_it_is_written(write: Callable[[bytes], str], payload: bytes) -> None:
    assert any(found.startswith(payload[:-2]) for found in decode(write(payload)))


@pytest.mark.parametrize("payload", PAYLOADS[2:])
def test_a_text_within_a_text_is_decoded(payload: bytes) -> None:
    assert payload in list(decode(base64.b64encode(base64.b64encode(payload)).decode()))


def test_several_are_found_in_one_text() -> None:
    text = json.dumps([base64.b64encode(payload).decode() for payload in PAYLOADS])

    assert set(PAYLOADS) <= set(decode(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gAS",
        "The quick brown fox jumps over the lazy dog. " * 100,
        "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "8004 requests in 80 seconds; 1f8b is no number",
        base64.b64encode(bytes(range(256))).decode(),
        base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(99)).decode(),
        "Known Yesterday eJwt KAPITAL gAte",
        json.dumps({str(number): number for number in range(1000)}),
    ],
)
def test_other_text_is_not(text: str) -> None:
    assert list(decode(text)) == []


@pytest.mark.parametrize(
    "unit",
    [
        *("g", "gA", "gA ", "Yw==", "0x", "80", "\\x80", " ", "\\n", "Z0E", "K"),
        *('"', '\\"', '\\\\"', 'A"', '\\"gASV', '"gASV" ', '"gASV*' + "x" * 40),
    ],
)
def test_takes_linear_time(unit: str) -> None:
    started = time.process_time()
    with contextlib.suppress(UnreadableError):  # more parts than are tried
        list(decode(unit * (500_000 // len(unit))))
    assert time.process_time() - started < 3


def test_a_long_string_is_found_behind_any_quotes() -> None:
    payload = base64.b64encode(b"\x80\x04cos\nsystem\nX\x02\0\0\0idR." + bytes(40)).decode()
    skipped = f"{payload[:7]}*{payload[7:]}"  # Python's base64 skips what is no letter
    numbers = ", ".join(map(str, range(40)))
    for text in (f'"a" {numbers} "{skipped}"', f'"\\"" "{skipped}"', f'{{"k": "{skipped}"}}'):
        assert any(data.startswith(b"\x80\x04cos") for data in decode(text)), text


def test_more_than_is_looked_at_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    text = json.dumps([base64.b64encode(b"\x80\x04K%c." % n).decode() for n in range(20)])
    most = len(set(decode(text)))
    monkeypatch.setattr("modlint_plugins.code.encoded.MAX_FOUND", most)
    assert len(set(decode(text))) == most
    monkeypatch.setattr("modlint_plugins.code.encoded.MAX_FOUND", most - 1)
    with pytest.raises(UnreadableError, match="more than"):
        list(decode(text))
