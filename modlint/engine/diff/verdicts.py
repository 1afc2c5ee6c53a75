"""What the rules say of both checkpoints: findings gained and lost."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from modlint.difference import Regression
from modlint.text import printable
from modlint.verdict import Verdict

_WHOLE = ("file", "network", "member")
"""Kinds of targets that are one and the same in both."""


def compared(
    old: Sequence[Verdict], new: Sequence[Verdict], renamed: Mapping[str, str]
) -> tuple[list[Verdict], list[Verdict]]:
    """The findings that only the new checkpoint has, and those that only the old one has.

    A rule that speaks as often of both, and no more severely, has gained and lost nothing.

    Args:
        old: findings.
        new: findings.
        renamed: by name of a new tensor, that of its counterpart.
    """
    before, after = _by_rule(old), _by_rule(new)
    gained, lost = [], []
    for rule in sorted({*before, *after}):
        was, now = before.get(rule, []), after.get(rule, [])
        if len(was) == len(now) and _worst(was) == _worst(now):
            continue
        known = {_subject(v, {}) for v in was}
        found = {_subject(v, renamed) for v in now}
        gained += [v for v in now if _subject(v, renamed) not in known]
        lost += [v for v in was if _subject(v, {}) not in found]
    return gained, lost


def regressions(gained: Sequence[Verdict]) -> Iterator[Regression]:
    """What was gained, as regressions."""
    for verdict in gained:
        yield Regression(
            kind="finding",
            severity=verdict.severity,
            message=f"{verdict.rule} {verdict.name}: {printable(verdict.message)}",
            tensors=(verdict.target.name,),
            help=verdict.help or "",
        )


def _by_rule(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        found[verdict.rule].append(verdict)
    return found


def _worst(verdicts: Sequence[Verdict]) -> int:
    return max(verdict.severity.rank for verdict in verdicts)


def _subject(verdict: Verdict, renamed: Mapping[str, str]) -> tuple[str, str]:
    target = verdict.target
    name = "" if target.kind in _WHOLE else renamed.get(target.name, target.name)
    return target.kind, name
