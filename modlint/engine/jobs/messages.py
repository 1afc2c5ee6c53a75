"""What a run and its workers tell each other: frames of msgpack, never a pickle."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import msgspec
from msgspec import Struct

from modlint.settings.config import Configuration

_LENGTH = 8


class Setup(Struct, frozen=True, tag=True):
    """What a worker needs to make the plan again.

    Attributes:
        configuration: the settings.
        cache: the folder of kept outcomes, None where nothing is kept.
        debug: whether to show tracebacks of what plugins raise.
    """

    configuration: Configuration
    cache: Path | None
    debug: bool


class Task(Struct, frozen=True, tag=True):
    """A file to check.

    Attributes:
        path: the file.
        structure_only: whether its tensors are judged elsewhere.
    """

    path: Path
    structure_only: bool


class Ready(Struct, frozen=True, tag=True):
    """A worker has its plan.

    Attributes:
        plugins: module, version and problem of each plugin.
        rules: their codes.
    """

    plugins: tuple[tuple[str, str, str], ...]
    rules: tuple[str, ...]


class Told(Struct, frozen=True, tag=True):
    """How far the check of the file is."""

    what: str
    done: int
    total: int


class Done(Struct, frozen=True, tag=True):
    """A file is checked.

    Attributes:
        outcome: what came of it, packed; None where it cannot be sent.
        problems: of plugins, so far.
    """

    outcome: bytes | None
    problems: tuple[str, ...]


class Refused(Struct, frozen=True, tag=True):
    """The check cannot be made for a reason that the user can mend."""

    message: str


Request: TypeAlias = Setup | Task
Answer: TypeAlias = Ready | Told | Done | Refused


def send(stream: BinaryIO, message: Struct) -> None:
    """Write a message.

    Raises:
        OSError: nobody reads any more.
    """
    body = msgspec.msgpack.encode(message, enc_hook=_encoded)
    stream.write(len(body).to_bytes(_LENGTH, "little") + body)
    stream.flush()


def receive(stream: BinaryIO, kind: Any) -> Any:
    """The next message, None at the end of the stream.

    Args:
        stream: what to read from.
        kind: `Request` or `Answer`.
    """
    head = stream.read(_LENGTH)
    if len(head) < _LENGTH:
        return None
    length = int.from_bytes(head, "little")
    body = stream.read(length)
    if len(body) < length:
        return None
    return msgspec.msgpack.decode(body, type=kind, dec_hook=_decoded)


def _encoded(value: Any) -> Any:
    if isinstance(value, Path):
        return os.fsencode(value)
    raise NotImplementedError


def _decoded(kind: type[Any], value: Any) -> Any:
    if issubclass(kind, Path):
        return Path(os.fsdecode(value))
    raise NotImplementedError
