"""Drawings in SVG: a value among those of shuffles, clusters in the layers of a network."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence

from modlint.notebook.elements import text
from modlint.text import number

_WIDTH, _HEIGHT, _BINS = 460, 110, 24
_MARK = "#d55e00"
_HUES = ("#0072b2", "#b84f00", "#007d5c", "#a2508a", "#8a6d00", "#35708f", "#9b3d26", "#4d5ea8")
"""Of clusters, by turns; white is read on each, and a number stands there too."""
_BAR, _STEP, _NAMES = 22, 30, 130
LAYERS = 60
"""Layers that are drawn."""


def null_picture(samples: Sequence[float], own: float) -> str:
    """How the values of shuffled networks are spread, and where the network's own lies."""
    low, high = min(own, *samples), max(own, *samples)
    span = (high - low) or 1.0
    counts = [0] * _BINS
    for sample in samples:
        counts[min(int((sample - low) / span * _BINS), _BINS - 1)] += 1
    wide, tall = (_WIDTH - 40) / _BINS, _HEIGHT - 45
    bars = "".join(
        _box(20 + i * wide, 20 + tall * (1 - n / max(counts)), wide - 1, tall * n / max(counts))
        for i, n in enumerate(counts)
        if n
    )
    at = 20 + (own - low) / span * (_WIDTH - 40)
    mark = f'<line x1="{at:.1f}" x2="{at:.1f}" y1="18" y2="{_HEIGHT - 25}" stroke="{_MARK}" '
    side = "start" if at < _WIDTH / 2 else "end"
    parts = [
        bars,
        f'{mark}stroke-width="3"/>',
        _words(at, 12, f"this network, {number(own)}", side),
        _words(20, _HEIGHT - 8, number(low), "start"),
        _words(_WIDTH - 20, _HEIGHT - 8, number(high), "end"),
    ]
    return _svg(_WIDTH, _HEIGHT, parts, "the value of the network among those of its shuffles")


def clusters_picture(labels: Mapping[str, Sequence[int]]) -> str:
    """A bar for each layer, divided among the clusters of its units."""
    parts: list[str] = []
    for row, (layer, units) in enumerate(itertools.islice(labels.items(), LAYERS)):
        parts.append(_words(_NAMES - 8, row * _STEP + 15, layer, "end", 18))
        parts += _divided(units, row * _STEP)
    height = min(len(labels), LAYERS) * _STEP
    return _svg(_NAMES + _WIDTH, height, parts, "the clusters of each layer's units")


def _divided(units: Sequence[int], top: float) -> Iterator[str]:
    left = float(_NAMES)
    for cluster, group in itertools.groupby(sorted(units)):
        share = sum(1 for _ in group) / len(units)
        wide = share * _WIDTH
        name = "isolated" if cluster < 0 else str(cluster)
        style = ' fill-opacity=".35"' if cluster < 0 else f' fill="{_HUES[cluster % len(_HUES)]}"'
        yield _box(left, top, max(wide - 1, 0.5), _BAR, style)
        if wide > 9 * len(name):
            yield _words(
                left + wide / 2, top + 15, name, "middle", paper="" if cluster < 0 else "#fff"
            )
        left += wide


def _box(x: float, y: float, wide: float, tall: float, style: str = ' fill-opacity=".45"') -> str:
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{tall:.1f}"{style}/>'


def _words(
    x: float, y: float, words: str, anchor: str, longest: int = 40, *, paper: str = ""
) -> str:
    shown = words if len(words) <= longest else f"{words[: longest - 1]}…"
    fill = f' fill="{paper}"' if paper else ""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{fill}>{text(shown)}</text>'


def _svg(width: int, height: int, parts: Sequence[str], title: str) -> str:
    size = f'viewBox="0 0 {width} {height}" width="{width}" style="max-width:100%"'
    look = 'role="img" fill="currentColor" font-size="12" font-family="sans-serif"'
    return f"<svg {size} {look}><title>{text(title)}</title>{''.join(parts)}</svg>"
