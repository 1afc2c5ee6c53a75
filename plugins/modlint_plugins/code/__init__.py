"""Code that a checkpoint carries: Python, TorchScript, templates, expressions, callable names.

`examine` is the way in: from the bytes of one run (a file, or a member of an archive) to remarks
on the code in it. Nothing is executed or imported: code is parsed and looked at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from modlint.checkpoint import Remark

MAX_REMARKS = 100
"""Remarks of one kind on one run: none hides another."""


def examine(view: memoryview, name: str, siblings: Collection[str]) -> Iterator[Remark]:
    """Remarks on the code in a run of bytes; offsets count from its first byte, members are None.

    Args:
        view: the bytes.
        name: the run's path in its container, or the file's name.
        siblings: paths of everything in the same container; () for a file.
    """
    from modlint_plugins.code.runs import examine_run

    seen: dict[str, set[str]] = {}
    for remark in examine_run(view, name, siblings):
        messages = seen.setdefault(remark.kind, set())
        if remark.message not in messages and len(messages) < MAX_REMARKS:
            messages.add(remark.message)
            yield remark
