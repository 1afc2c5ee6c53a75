"""GGUF: the header is read, its templates are judged, damage is a fault."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import pytest

from modlint.checkpoint import Checkpoint, Status
from modlint.reader import FORMAT_NOT_READ
from modlint.source import open_source
from modlint_plugins.code import examine
from modlint_plugins.readers.gguf import GgufReader

FORMATS = {
    0: "B",
    1: "b",
    2: "H",
    3: "h",
    4: "I",
    5: "i",
    6: "f",
    7: "?",
    10: "Q",
    11: "q",
    12: "d",
}
TEMPLATE = "{{ lipsum.__globals__['os'].popen('id').read() }}"


def text(value: str, order: str = "<") -> bytes:
    data = value.encode()
    return struct.pack(order + "Q", len(data)) + data


def value(kind: int, content: Any, order: str = "<") -> bytes:
    if kind == 8:
        return text(content, order)
    if kind == 9:
        inner, items = content
        head = struct.pack(order + "IQ", inner, len(items))
        return head + b"".join(value(inner, item, order) for item in items)
    return struct.pack(order + FORMATS[kind], content)


def header(*pairs: tuple[str, int, Any], order: str = "<", version: int = 3) -> bytes:
    start = b"GGUF" + struct.pack(order + "IQQ", version, 0, len(pairs))
    return start + b"".join(
        text(key, order) + struct.pack(order + "I", kind) + value(kind, content, order)
        for key, kind, content in pairs
    )


PAIRS = (
    ("general.architecture", 8, "llama"),
    ("llama.block_count", 4, 32),
    ("llama.rope.freq_base", 6, 10000.0),
    ("tokenizer.ggml.add_bos_token", 7, True),
    ("tokenizer.ggml.tokens", 9, (8, [f"t{i}" for i in range(2000)])),
    ("tokenizer.ggml.scores", 9, (6, [0.5] * 2000)),
    ("short", 9, (5, [1, -2, 3])),
    ("nested", 9, (9, [(4, [1, 2]), (8, ["a"])])),
    *((f"number.{kind}", kind, 1) for kind in (0, 1, 2, 3, 5, 10, 11)),
    ("double", 12, 0.25),
    ("tokenizer.chat_template", 8, "{{ messages[0].content }}"),
)


def read(folder: Path, data: bytes) -> Checkpoint:
    path = folder / "model.gguf"
    path.write_bytes(data)
    source = open_source(path)
    assert GgufReader().sniff(source)
    return GgufReader().read(source)


@pytest.mark.parametrize("order", ["<", ">"])
def test_every_type_is_read(tmp_path: Path, order: str) -> None:
    checkpoint = read(tmp_path, header(*PAIRS, order=order))

    assert [fault.kind for fault in checkpoint.faults] == [FORMAT_NOT_READ]
    assert checkpoint.status is Status.UNREADABLE
    found = dict(checkpoint.metadata)
    assert list(found) == [key for key, _, _ in PAIRS]
    assert found["general.architecture"] == "llama"
    assert found["llama.block_count"] == 32
    assert found["tokenizer.ggml.add_bos_token"] is True
    assert found["tokenizer.ggml.tokens"] == "2,000 values"
    assert found["short"] == [1, -2, 3]
    assert found["nested"] == [[1, 2], ["a"]]
    assert found["double"] == 0.25


def test_an_ordinary_template_is_silent_and_another_is_told() -> None:
    assert list(examine(memoryview(header(*PAIRS)), "model.gguf", ())) == []
    for key in ("tokenizer.chat_template", "tokenizer.chat_template.tool_use"):
        hostile = header(*PAIRS[:-1], (key, 8, TEMPLATE))
        kinds = [remark.kind for remark in examine(memoryview(hostile), "model.gguf", ())]
        assert kinds == ["acting-template"]


def test_what_comes_before_damage_is_judged(tmp_path: Path) -> None:
    hostile = header(("tokenizer.chat_template", 8, TEMPLATE), *PAIRS)[:500]

    assert [r.kind for r in examine(memoryview(hostile), "model.gguf", ())] == ["acting-template"]
    faults = [fault.kind for fault in read(tmp_path, hostile).faults]
    assert faults == [FORMAT_NOT_READ, "damaged-header"]


def test_of_a_key_given_twice_both_texts_are_judged(tmp_path: Path) -> None:
    key = "tokenizer.chat_template"
    twice = header((key, 8, "{{ x }}"), (key, 8, TEMPLATE))

    assert [r.kind for r in examine(memoryview(twice), "m.gguf", ())] == ["acting-template"]
    assert "duplicate-key" in [fault.kind for fault in read(tmp_path, twice).faults]


HUGE = struct.pack("<Q", 1 << 62)


@pytest.mark.parametrize(
    "data",
    [
        b"GGUF",
        b"GGUF" + bytes(4),
        header(*PAIRS, version=1),
        header(*PAIRS)[:-1],
        b"GGUF" + struct.pack("<I", 3) + HUGE + HUGE,
        header(*PAIRS)[:16] + HUGE + header(*PAIRS)[24:],
        b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + HUGE,
        header(("a", 4, 1))[:-8] + struct.pack("<I", 99) + bytes(8),
        header(("a", 4, 1))[:-8] + struct.pack("<IIQ", 9, 8, 1 << 62),
        header(("a", 4, 1))[:-8] + struct.pack("<IIQ", 9, 6, 1 << 62),
        header(("a", 4, 1))[:-8] + struct.pack("<I", 9) + struct.pack("<IQ", 9, 1) * 1000,
    ],
)
def test_damage_is_a_fault(tmp_path: Path, data: bytes) -> None:
    assert "damaged-header" in [fault.kind for fault in read(tmp_path, data).faults]


def test_a_version_that_nobody_writes_is_told_where_it_stands(tmp_path: Path) -> None:
    faults = read(tmp_path, header(*PAIRS, version=1)).faults
    (damage,) = (fault for fault in faults if fault.kind == "damaged-header")
    assert damage.message.endswith("its version is 1")
    assert damage.offset == 4


def test_elements_of_all_arrays_count_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = [f"t{i}" for i in range(60)]
    data = header(("a", 9, (8, texts)), ("b", 9, (8, texts)))
    monkeypatch.setattr("modlint_plugins.archives.gguf._MAX_ELEMENTS", 120)
    assert "damaged-header" not in [fault.kind for fault in read(tmp_path, data).faults]
    monkeypatch.setattr("modlint_plugins.archives.gguf._MAX_ELEMENTS", 119)
    assert "damaged-header" in [fault.kind for fault in read(tmp_path, data).faults]


def test_the_longest_text_is_one_that_may_be_reached(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = header(("a", 8, "x" * 100))
    for most, damaged in ((100, False), (99, True)):
        monkeypatch.setattr("modlint_plugins.archives.gguf._MAX_TEXT", most)
        kinds = [fault.kind for fault in read(tmp_path, data).faults]
        assert ("damaged-header" in kinds) is damaged


def with_tensors(*infos: bytes, count: int | None = None, alignment: int = 32) -> bytes:
    number = len(infos) if count is None else count
    start = b"GGUF" + struct.pack("<IQQ", 3, number, 1)
    start += text("general.alignment") + struct.pack("<I", 4) + struct.pack("<I", alignment)
    start += b"".join(infos)
    return start + bytes(-len(start) % 32 + 256)


def info(*sizes: int, kind: int = 0, offset: int = 0) -> bytes:
    held = struct.pack("<I", len(sizes)) + b"".join(struct.pack("<Q", size) for size in sizes)
    return text("w") + held + struct.pack("<IQ", kind, offset)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (with_tensors(info(8, 8), info(32, kind=8)), None),
        (with_tensors(info(*[1] * 5)), "5 axes"),
        (with_tensors(info(*[1] * 4000)), "4,000 axes"),
        (with_tensors(info(2**33, 2**33)), "elements"),
        (with_tensors(info(8, 8, offset=2**40)), "beyond the end"),
        (with_tensors(info(8, 8, offset=1)), "between places"),
        (with_tensors(info(8, 9)), "beyond the end"),
        (with_tensors(count=2**60), "ends early"),
        (with_tensors(info(8, 8), alignment=0), "alignment is 0"),
        (with_tensors(info(8, 8), alignment=33), "alignment is 33"),
    ],
)
def test_tensors_that_lie_outside_of_the_file(
    data: bytes, problem: str | None, tmp_path: Path
) -> None:
    (tmp_path / "m.gguf").write_bytes(data)
    faults = GgufReader().read(open_source(tmp_path / "m.gguf")).faults[1:]
    assert problem is None or any(problem in fault.message for fault in faults)
    assert bool(faults) == (problem is not None)


def test_sizes_that_a_loader_builds_a_network_of() -> None:
    assert not list(examine(memoryview(header(("llama.block_count", 4, 126))), "m.gguf", ()))
    (remark,) = examine(memoryview(header(("llama.block_count", 4, 2**31))), "m.gguf", ())
    assert remark.kind == "absurd-size"
