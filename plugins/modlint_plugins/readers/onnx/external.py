"""Tensors that ONNX keeps in other files: found only inside the model's folder.

Weaknesses that this must withstand: path traversal (CVE-2022-25882, CVE-2024-27318), symbolic
links (CVE-2026-27489), hard links and sizes that nothing backs (CVE-2026-34445, CVE-2026-34446).
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any

from msgspec import Struct, field

from modlint.checkpoint import Remark
from modlint.errors import UnreadableError
from modlint.looks import Look, look_at
from modlint.source import Source, open_source
from modlint_plugins.readers.onnx.payload import Payload
from modlint_plugins.readers.onnx.types import text

_KEYS = frozenset({"location", "offset", "length", "checksum"})
_PREPACKED = "prepacked"
"""How keys of onnxruntime's own begin, for weights that it has laid out for a processor."""


class Fault(Exception):
    """A tensor cannot be read; the remark says why."""

    def __init__(self, kind: str, message: str, *, help: str | None = None) -> None:
        super().__init__(message)
        self.remark = Remark(kind, message, help=help)


class ExternalFiles(Struct):
    """The files beside a model, each mapped once.

    Attributes:
        model: path of the model.
        remarks: what was noticed of the files.
    """

    model: Path
    remarks: list[Remark] = field(default_factory=list)
    _mapped: dict[str, Source] = field(default_factory=dict)

    def locate(self, proto: Any, name: str, nbytes: int) -> tuple[str, Payload]:
        """The file that holds a tensor, and its elements there.

        Raises:
            Fault: the file is missing, lies elsewhere, or does not hold what the tensor claims.
        """
        self.judge_locations(proto, name)
        entries = _entries(proto, name)
        location = entries.get("location", "")
        view = self._open(location, name).view
        start = _number(entries.get("offset", "0"), "offset", name)
        length = _number(entries.get("length", "0"), "length", name) or nbytes
        if length != nbytes:
            raise Fault(
                "external-data-range",
                f"tensor {name!r} takes {nbytes:,} bytes, the model gives it {length:,} bytes "
                f"of {location!r}",
            )
        if start + length > len(view):
            raise Fault(
                "external-data-range",
                f"tensor {name!r} reaches to byte {start + length:,} of {location!r}, "
                f"which has {len(view):,}",
                help="the file is truncated or belongs to another model; fetch both again",
            )
        return location, Payload(nbytes, None, lambda: view[start : start + length], start)

    def judge_locations(self, proto: Any, name: str) -> None:
        """Refuse every place that a tensor names outside of the folder, whether it is used or not.

        Raises:
            Fault: it names one.
        """
        for entry in proto.external_data:
            if text(entry.key) == "location" and not _is_plain(text(entry.value)):
                raise _escape(text(entry.value), name)

    def _open(self, location: str, name: str) -> Source:
        if location not in self._mapped:
            path = self._resolve(location, name)
            try:
                self._mapped[location] = open_source(path)
            except UnreadableError as error:
                raise Fault(
                    "missing-external-data", f"external data file {location!r} {error}"
                ) from error
        return self._mapped[location]

    def _resolve(self, location: str, name: str) -> Path:
        """The file itself.

        In a hub's cache both the model and its data are links into one folder of blobs, so a
        file beside what the model's own path resolves to is as good as one beside the path.
        """
        folder = self.model.parent
        if not _is_plain(location):
            raise _escape(location, name)
        look_at(Look.STATUS, folder / location)
        try:
            path = Path(os.path.realpath(folder / location))
            roots = (Path(os.path.realpath(folder)), Path(os.path.realpath(self.model)).parent)
            if not any(path.is_relative_to(root) for root in roots):
                raise _escape(location, name)
            status = path.stat()
        except (OSError, ValueError) as error:
            raise _missing(location, name) from error
        if not stat.S_ISREG(status.st_mode):
            raise Fault("missing-external-data", f"external data {location!r} is no regular file")
        if status.st_nlink > _links_in(path.parent, status):
            message = f"external data file {location!r} is a hard link, with other names elsewhere"
            self.remarks.append(Remark("hard-link", message))
        return path


def _entries(proto: Any, name: str) -> dict[str, str]:
    """Where a tensor says that its elements are: of an entry that is given twice the last."""
    entries: dict[str, str] = {}
    for entry in proto.external_data:
        key = text(entry.key)
        if key not in _KEYS and not key.startswith(_PREPACKED):
            raise Fault(
                "external-data-key", f"tensor {name!r} has external data of key {key!r:.80}"
            )
        if key == "location" and key in entries:
            raise Fault("external-data-key", f"tensor {name!r} names two files of external data")
        entries[key] = text(entry.value)
    return entries


def _links_in(folder: Path, status: os.stat_result) -> int:
    """How many names a file has in a folder."""
    if status.st_nlink == 1:
        return 1
    look_at(Look.NAMES, folder)
    with os.scandir(folder) as entries:
        inodes = [entry.inode() for entry in entries if not entry.is_symlink()]
    return inodes.count(status.st_ino)


def _is_plain(location: str) -> bool:
    """Whether a location names something below the model's folder, on every platform."""
    parts = location.replace("\\", "/").split("/")
    return bool(location) and ".." not in parts and parts[0] != "" and ":" not in parts[0]


def _escape(location: str, name: str) -> Fault:
    return Fault(
        "path-escape",
        f"tensor {name!r} names external data at {location!r}, outside the model's folder; "
        "it was not opened",
        help="do not load this file with other tools unless you know who made it",
    )


def _missing(location: str, name: str) -> Fault:
    return Fault(
        "missing-external-data",
        f"tensor {name!r} is kept in {location!r}, which is not beside the model",
        help=f"put {location!r} into the model's folder",
    )


def _number(value: str, what: str, name: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 20):
        raise Fault("external-data-range", f"tensor {name!r} has {what} {value[:40]!r}")
    return int(value)
