"""GGUF headers: the chat templates that llama.cpp's users run with Jinja (CVE-2024-34359)."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.archives.gguf import read_header
from modlint_plugins.code.documents import Table
from modlint_plugins.code.judged import examine_documents


def examine_gguf(view: memoryview) -> Iterator[Remark]:
    """Remarks on the texts of a GGUF header."""
    yield from examine_documents([Table(tuple(read_header(view).texts))])
