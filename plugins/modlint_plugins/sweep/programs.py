"""Programs and scripts at the beginning of a run: no member of a checkpoint is one."""

from __future__ import annotations

from modlint.checkpoint import Remark
from modlint.signatures import LONGEST, program
from modlint_plugins.sweep.run import Run

_LIBRARIES = "aotinductor/"
"""Folder of the libraries that AOTInductor compiles, which loading such a .pt2 opens."""
_SOURCES = (".py",)
"""Scripts that are judged as code."""


def program_remark(run: Run) -> Remark | None:
    """A remark on a member that begins as a program does."""
    if run.member is None or run.name.endswith(_SOURCES):
        return None
    what = program(run.view[:LONGEST])
    if what is None:
        return None
    if _LIBRARIES in run.name:
        message = f"member {run.name!r} is {what} that loading opens: native code"
        return Remark("native-library", message, run.member, 0)
    return Remark("hidden-program", f"member {run.name!r} begins as {what} does", run.member, 0)
