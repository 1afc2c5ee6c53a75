"""From a seed to a mutant: changes of bytes, of pickle opcodes, of headers and of fields."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from collections.abc import Callable, Sequence

from benchmarks.fuzz.headers import mutate_header
from benchmarks.fuzz.opcodes import mutate_pickle
from benchmarks.fuzz.protobuf import mutate_fields

_NUMBERS = (b"\xff" * 4, bytes(4), b"\0\0\0\x80", b"\xff\xff\xff\x7f", b"\x01\0\0\0", b"\xff" * 8)


def mutant(rng: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """A mutant of `content`: most often of the kind that its format invites."""
    mutations = [_bytes, _bytes, lambda r, c: _splice(r, c, others), *_fitting(content)]
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        changed = rng.choice(mutations)(rng, content)
        content = changed if changed is not None else _bytes(rng, content)
    return content


def _fitting(content: bytes) -> list[Callable[[random.Random, bytes], bytes | None]]:
    if content.startswith(b"PK\x03\x04"):
        return [_member] * 4 + [_directory]
    if content[8:9] == b"{":
        return [mutate_header] * 3
    if content[:1] == b"\x08":
        return [mutate_fields] * 3
    return [mutate_pickle] * 3


def _bytes(rng: random.Random, content: bytes) -> bytes:
    """Bits flipped, bytes set, runs cut out or doubled, the end cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 5, 20))):
        at = rng.randrange(len(data) + 1)
        run = rng.randrange(1, 40)
        match rng.randrange(6):
            case 0 if at < len(data):
                data[at] ^= 1 << rng.randrange(8)
            case 1 if at < len(data):
                data[at] = rng.randrange(256)
            case 2:
                del data[at : at + run]
            case 3:
                data[at:at] = data[at : at + run]
            case 4:
                number = rng.choice(_NUMBERS)
                data[at : at + len(number)] = number
            case 5 if rng.random() < 0.2:
                del data[at:]
    return bytes(data)


def _splice(rng: random.Random, content: bytes, others: Sequence[bytes]) -> bytes:
    """The head of one file and the tail of another, or a part of it in between."""
    other = rng.choice(others)
    cut, begin = rng.randrange(len(content) + 1), rng.randrange(len(other))
    if rng.random() < 0.5:
        return content[:cut] + other[begin:]
    return content[:cut] + other[begin : begin + rng.randrange(1, 4096)] + content[cut:]


def _member(rng: random.Random, content: bytes) -> bytes | None:
    """The archive with one member mutated, left out, doubled or renamed; every CRC is right."""
    with contextlib.suppress(Exception):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [(entry.filename, archive.read(entry)) for entry in archive.infolist()]
        pickles = [i for i, (name, _) in enumerate(members) if name.endswith(".pkl")]
        at = rng.choice(pickles) if pickles and rng.random() < 0.7 else rng.randrange(len(members))
        name, data = members[at]
        match rng.randrange(8):
            case 0:
                del members[at]
            case 1:
                members.append((name, _bytes(rng, data)))
            case 2:
                members[at] = (rng.choice(members)[0], data)
            case 3:
                members.append(("../" + name, rng.choice(members)[1]))
            case _:
                mutate = mutate_pickle if name.endswith(".pkl") else _bytes
                members[at] = (name, mutate(rng, data) or b"")
        return _archive(members, rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)))
    return None


def _directory(rng: random.Random, content: bytes) -> bytes:
    """A changed central directory or end record: what follows the last member's bytes."""
    begin = content.rfind(b"PK\x01\x02", 0, max(len(content) - rng.randrange(1, 2000), 4))
    begin = max(begin, 0)
    return content[:begin] + _bytes(rng, content[begin:])


def _archive(members: list[tuple[str, bytes]], method: int) -> bytes:
    import warnings

    buffer = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members:
            archive.writestr(zipfile.ZipInfo(name), data, method)
    return buffer.getvalue()
