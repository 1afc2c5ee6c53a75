"""The table of what CLU001 and CLU007 say of checkpoints."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

Line = Mapping[str, Any]

LEVEL, EFFECT = 0.05, 0.01


def files_table(lines: Iterable[Line]) -> Iterator[str]:
    """A row for each network that CLU007 could decide on, and how many verdicts a seed changes."""
    networks = [(line["name"], *found) for line in lines for found in _networks(line["verdicts"])]
    words = [[_word(line) for line in seeds] for _, _, _, seeds in networks]
    yield "## Public checkpoints"
    yield ""
    passes = _changes(words, "verdicts", lambda word: word == "modules")
    yield f"{len(networks)} networks. Not what the network's other seeds say: {passes};"
    yield _changes(words, "words (modules, weak, none)", str)
    yield ""
    yield "| file | network | neurons | CLU001: z, p | CLU007: verdict | p | effect | k* |"
    yield "| --- | --- | ---: | --- | --- | --- | ---: | --- |"
    yield from (_row(*network) for network in networks)


def _networks(verdicts: Iterable[Line]) -> Iterator[tuple[str, Line | None, list[Line]]]:
    by: dict[str, list[Line]] = {}
    for line in verdicts:
        by.setdefault(line["network"], []).append(line)
    for name, lines in by.items():
        seeds = [line for line in lines if line["rule"] == "CLU007"]
        published = next((line for line in lines if line["rule"] == "CLU001"), None)
        if seeds:
            yield name, published, seeds


def _word(line: Line) -> str:
    if line["p_value"] > LEVEL:
        return "none"
    return "modules" if line["effect_size"] >= EFFECT else "weak"


def _changes(words: list[list[str]], what: str, of: Callable[[str], object]) -> str:
    """How many seeds say another thing than most."""
    told = [[of(word) for word in own] for own in words]
    changed = sum(len(own) - max(Counter(own).values()) for own in told)
    total = sum(map(len, told))
    return f"{changed} of {total} {what} ({changed / max(1, total):.1%})"


def _row(file: str, network: str, published: Line | None, seeds: list[Line]) -> str:
    found = Counter(map(_word, seeds)).most_common()
    word = found[0][0] if len(found) == 1 else ", ".join(f"{w} ({n})" for w, n in found)
    first = f"{published['z_score']:.1f}, {published['p_value']:.2g}" if published else "too small"
    effect = sorted(line["effect_size"] for line in seeds)[len(seeds) // 2]
    p, k = (_range(line[name] for line in seeds) for name in ("p_value", "clusters"))
    return (
        f"| {file.replace('__', '/', 1)} | {network} | {seeds[0]['neurons']:,} | {first} | {word} |"
        f" {p} | {effect:.3f} | {k} |"
    )


def _range(values: Iterable[float]) -> str:
    low, *_, high = ordered = sorted(values)
    return f"{low:.2g}" if ordered[0] == ordered[-1] else f"{low:.2g} to {high:.2g}"
