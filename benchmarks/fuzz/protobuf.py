"""Mutations of protobuf messages, field by field, with the lengths around them set right."""

from __future__ import annotations

import random
from typing import NamedTuple

_VARINT, _I64, _BYTES, _I32 = 0, 1, 2, 5
_STRANGE = (0, 1, 2, 127, 128, 2**31, 2**32 - 1, 2**63, 2**64 - 1)


class Field(NamedTuple):
    """A field as it is on the wire."""

    number: int
    kind: int
    value: int | bytes


def mutate_fields(rng: random.Random, content: bytes) -> bytes | None:
    """One field, at any depth, with another value or kind, dropped, doubled or moved."""
    fields = _parse(content)
    return None if not fields else _mutated(rng, fields, 6)


def _mutated(rng: random.Random, fields: list[Field], depth: int) -> bytes:
    at = rng.randrange(len(fields))
    number, kind, value = fields[at]
    if isinstance(value, bytes) and depth and rng.random() < 0.8:
        inner = _parse(value)
        if inner:
            fields[at] = Field(number, kind, _mutated(rng, inner, depth - 1))
            return _encode(fields)
    match rng.randrange(6):
        case 0:
            del fields[at]
        case 1:
            fields.insert(rng.randrange(len(fields)), fields[at])
        case 2:
            fields[at] = Field(rng.randrange(1, 30), kind, value)
        case 3:
            fields[at] = Field(number, _VARINT, rng.choice(_STRANGE))
        case 4:
            fields[at] = Field(number, _BYTES, rng.randbytes(rng.randrange(40)))
        case _:
            fields[at] = Field(number, kind, _other(rng, value))
    return _encode(fields)


def _other(rng: random.Random, value: int | bytes) -> int | bytes:
    if isinstance(value, int):
        return rng.choice(_STRANGE)
    at = rng.randrange(len(value) + 1)
    return value[:at] + rng.randbytes(rng.randrange(4)) + value[at + rng.randrange(4) :]


def _parse(content: bytes) -> list[Field] | None:
    """The fields of a message; None where the bytes are none."""
    fields = []
    at = 0
    try:
        while at < len(content):
            tag, at = _varint(content, at)
            number, kind = tag >> 3, tag & 7
            if not number:
                return None
            value: int | bytes
            if kind == _VARINT:
                value, at = _varint(content, at)
            else:
                size = {_I64: 8, _I32: 4}.get(kind, -1)
                if kind == _BYTES:
                    size, at = _varint(content, at)
                if size < 0 or at + size > len(content):
                    return None
                value, at = content[at : at + size], at + size
            fields.append(Field(number, kind, value))
    except IndexError:
        return None
    return fields


def _varint(content: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = content[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80 or shift > 70:
            return value, at


def _encode(fields: list[Field]) -> bytes:
    out = bytearray()
    for number, kind, value in fields:
        out += _to_varint(number << 3 | kind)
        if isinstance(value, int):
            out += _to_varint(value) if kind == _VARINT else bytes(8 if kind == _I64 else 4)
        else:
            out += _to_varint(len(value)) if kind == _BYTES else b""
            out += value
    return bytes(out)


def _to_varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
