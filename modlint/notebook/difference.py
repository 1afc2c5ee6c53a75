"""Two checkpoints side by side: what one is to the other, regressions, changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from modlint.notebook.elements import element, heading, label, table, text
from modlint.text import count, number

_SAME = ("identical", "cast", "rounded")
_NAMED = 10
"""Tensors that are named in a line."""


def difference_html(difference: Mapping[str, Any]) -> str:
    """A difference as its JSON has it."""
    sides = f": {difference['old']['path']} → {difference['new']['path']}, {difference['why']}"
    parts = [heading(difference["relation"], sides)]
    found = difference["regressions"]
    passed = label("passed", "pass") if difference["exit_code"] == 0 else label("failed", "error")
    parts.append(element("p", f"{passed} {text(count(len(found), 'regression'))}"))
    if found:
        rows = [
            (label(r["severity"]), text(r["kind"]), text(r["message"]), text(r["help"]))
            for r in found
        ]
        parts.append(table(("severity", "kind", "what", "what to do"), rows))
    changed = [c for c in difference["changes"] if c["kind"] not in _SAME]
    if changed:
        changes = [_row(change) for change in sorted(changed, key=lambda c: -(c["relative"] or 0))]
        parts.append(table(("tensor", "change", "#drift", "#cosine", "#largest", "note"), changes))
    parts += _lines(difference)
    return element("div", "".join(parts))


def _row(change: Mapping[str, Any]) -> tuple[str, ...]:
    old, new = change["old"], change["new"]
    names = new if old == new else f"{old} → {new}"
    kind = label(change["kind"], "error") if change["regression"] else text(change["kind"])
    numbers = (change[name] for name in ("relative", "cosine", "largest"))
    shown = ("" if value is None else number(value) for value in numbers)
    return (text(names), kind, *map(text, shown), text(change["note"] or ""))


def _lines(difference: Mapping[str, Any]) -> Iterator[str]:
    """What is alike, dropped, added, gained and lost, in a line each."""
    same = [change["kind"] for change in difference["changes"] if change["kind"] in _SAME]
    counted = ", ".join(f"{same.count(kind):,} {kind}" for kind in dict.fromkeys(same))
    named = {
        title: [tensor["name"] for tensor in difference[title]] for title in ("dropped", "added")
    }
    for title in ("gained", "lost"):
        named[title] = [f"{v['rule']} {v['target']['name']}" for v in difference[title]]
    if counted:
        yield element("p", text(f"kept: {counted}"))
    for title, names in named.items():
        if names:
            more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
            yield element("p", text(f"{title}: {', '.join(names[:_NAMED])}{more}"))
    for note in (*difference["notes"], *difference["problems"]):
        yield element("p", text(note))
