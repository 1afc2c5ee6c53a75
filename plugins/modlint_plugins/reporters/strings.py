"""A report with every string in it rewritten: done once, so that no reporter can forget one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from msgspec.structs import replace

from modlint.report import Report
from modlint.text import encodable, printable

LIMIT = 1_000
"""Characters of a single string that are shown; a tensor's name can be megabytes long."""


def rewritten(value: Any, rewrite: Callable[[str], str]) -> Any:
    """`value` (of the types that JSON has) with `rewrite` applied to every string and key."""
    if isinstance(value, str):
        return rewrite(value)
    if isinstance(value, dict):
        return {rewrite(key): rewritten(item, rewrite) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rewritten(item, rewrite) for item in value]
    return value


def shown_safely(report: Report, encoding: str | None) -> Report:
    """The report as a terminal may see it: nothing invisible, nothing `encoding` lacks, undrawn."""
    files = tuple(replace(file, drawings=msgspec.UNSET) for file in report.files)
    report = replace(report, files=files)
    builtins = msgspec.to_builtins(report, str_keys=True)
    safe = rewritten(builtins, lambda text: encodable(printable(text, LIMIT), encoding))
    return msgspec.convert(safe, Report)
