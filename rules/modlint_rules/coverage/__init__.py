"""COV: what the run did not look at."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.rule import Rule


@hookimpl
def modlint_rules() -> Iterable[type[Rule[Any]]]:
    """The rules of this family."""
    from modlint_rules.coverage.not_examined import NotExamined

    return (NotExamined,)
