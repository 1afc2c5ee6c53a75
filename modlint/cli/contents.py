"""What `modlint inspect` shows of a file, as text."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from modlint.checkpoint import Status
from modlint.cli.tree import network_lines, unplaced_lines
from modlint.contents import Contents, TensorContents
from modlint.json_text import json_text
from modlint.secret_texts import masked
from modlint.text import count, file_size, printable

_LONGEST_NAME = 60
_LONGEST_VALUE = 200
_HEADING = re.compile(r"^(?:network [^:\n]*(?=:)|\S.*$)", re.MULTILINE)
"""What begins at a line's start; of a network its name."""


class FolderContents(msgspec.Struct, frozen=True):
    """The contents of the files in a folder."""

    path: str
    files: tuple[Contents, ...]

    def to_json(self) -> str:
        """The contents as indented JSON."""
        return json_text(self)


def describe_folder(folder: FolderContents, *, colour: bool = False) -> str:
    """The contents of each file as text, one after the other."""
    if not folder.files:
        return f"{printable(folder.path)}\n  holds no checkpoint\n"
    return "\n".join(describe(contents, colour=colour) for contents in folder.files)


def describe(contents: Contents, *, colour: bool = False) -> str:
    """The contents as text: header, networks as trees, tensors, metadata; no secrets."""
    lines = [
        printable(contents.path),
        f"  {contents.format}, {file_size(contents.bytes)}, "
        f"{count(len(contents.tensors), 'tensor')}, {count(contents.parameters, 'parameter')}",
    ]
    if contents.status is not Status.CHECKED:
        lines.append(f"  status: {contents.status}")
    lines += [f"  cannot be read: {printable(fault)}" for fault in contents.faults]
    lines += [f"  remark: {printable(remark)}" for remark in contents.remarks]
    for network in contents.networks:
        lines += network_lines(network)
    lines += unplaced_lines(contents.unplaced)
    lines += _tensor_lines(contents.tensors)
    if contents.metadata:
        lines += ["", "metadata"]
        lines += [
            f"  {printable(str(key))} = {printable(str(value), _LONGEST_VALUE)}"
            for key, value in contents.metadata.items()
        ]
    text = masked("\n".join(lines) + "\n")
    return _HEADING.sub("\x1b[1m\\g<0>\x1b[0m", text) if colour else text


def _tensor_lines(tensors: Sequence[TensorContents]) -> list[str]:
    if not tensors:
        return []
    names = [printable(tensor.name) for tensor in tensors]
    shapes = ["×".join(map(str, tensor.shape)) or "scalar" for tensor in tensors]
    width = min(max(map(len, names)), _LONGEST_NAME)
    dtype = max(10, *(len(tensor.dtype) for tensor in tensors))
    wide = max(16, *map(len, shapes))
    sizes = [file_size(tensor.bytes) for tensor in tensors]
    longest = max(map(len, sizes))
    lines = ["", "tensors"]
    for name, shape, tensor, size in zip(names, shapes, tensors, sizes, strict=True):
        if len(name) > width:  # on a line of its own, so that the columns stay
            lines.append(f"  {name}")
            name = ""
        columns = f"{tensor.dtype:<{dtype}}  {shape:<{wide}}  {size:>{longest}}"
        lines.append(f"  {name:<{width}}  {columns}")
    return lines
