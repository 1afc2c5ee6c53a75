"""GGUF headers: the chat templates that llama.cpp's users run with Jinja (CVE-2024-34359)."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.archives.gguf import read_header
from modlint_plugins.code.documents import Table
from modlint_plugins.code.judged import examine_documents
from modlint_plugins.code.sizes import examine_sizes


def examine_gguf(view: memoryview) -> Iterator[Remark]:
    """Remarks on the texts of a GGUF header, and on its sizes."""
    header = read_header(view)
    yield from examine_documents([Table(tuple(header.texts))])
    numbers = ((key.rpartition(".")[2], value) for key, value in header.metadata.items())
    sizes = tuple((key, value) for key, value in numbers if isinstance(value, (int, list)))
    yield from examine_sizes(Table(sizes), "config")
