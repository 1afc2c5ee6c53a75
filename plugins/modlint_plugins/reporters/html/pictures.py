"""Coordinates of what is drawn: histograms, and weights as images."""

from __future__ import annotations

import base64
import struct
import zlib
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

from msgspec import Struct

from modlint.drawings import DrawnPanel, DrawnTensor
from modlint_plugins.reporters.full.null import NullTest
from modlint_plugins.reporters.html.page import trusted

WIDTH, HEIGHT = 240, 64
"""Of a histogram."""
_MOST_BINS = 40
_HUE = bytes((0x2F, 0x6F, 0xB7))


class Bars(Struct, frozen=True):
    """A histogram.

    Attributes:
        path: of all bars.
        low, high: where it begins and ends.
        mark: where a value stands, None where there is none.
        zero: where zero stands, None where it is not within.
    """

    path: str
    low: float
    high: float
    mark: float | None = None
    zero: float | None = None


class Square(Struct, frozen=True):
    """The weights within a cluster, in hundredths of a panel's sides."""

    x: float
    y: float
    width: float
    height: float


class Image(Struct, frozen=True):
    """A layer's weights; `source` is an address that holds the image itself."""

    panel: DrawnPanel
    source: Any
    squares: tuple[Square, ...]


def bars_of(tensor: DrawnTensor) -> Bars | None:
    """The histogram of a tensor; none where it has no finite element, or all are equal."""
    found = tensor.histogram
    if found is None or tensor.minimum == tensor.maximum:
        return None
    low, high = found.low, found.high
    least, most = tensor.minimum or 0.0, tensor.maximum or 0.0
    zero = None if not low < 0 < high else round(-low / (high - low) * WIDTH, 1)
    return Bars(_path(found.counts), max(low, least), min(high, most), zero=zero)


def null_bars(test: NullTest) -> Bars:
    """The values of shuffled networks, with the network's own as a mark."""
    low, high = min(*test.samples, test.observed), max(*test.samples, test.observed)
    pad = (high - low) * 0.04 or abs(low) * 0.01 or 1.0
    low, high = low - pad, high + pad
    counts = [0] * _MOST_BINS
    for sample in test.samples:
        counts[min(int((sample - low) / (high - low) * _MOST_BINS), _MOST_BINS - 1)] += 1
    mark = round((test.observed - low) / (high - low) * WIDTH, 1)
    return Bars(_path(counts), low, high, mark=mark)


def image_of(panel: DrawnPanel) -> Image:
    """A panel as a picture, with a square around what is within a cluster."""
    sides = zip(_spans(panel.columns), _spans(panel.rows), strict=False)
    squares = (
        Square(round(x, 2), round(y, 2), round(right - x, 2), round(bottom - y, 2))
        for (x, right), (y, bottom) in sides
        if right > x and bottom > y
    )
    image = base64.b64encode(_png(panel.width, panel.height, panel.pixels)).decode()
    return Image(panel, trusted(f"data:image/png;base64,{image}"), tuple(squares))


def _path(counts: Sequence[int]) -> str:
    most, step = max(counts) or 1, WIDTH / len(counts)
    return f"M0 {HEIGHT}" + "".join(_steps(counts, most, step)) + f"V{HEIGHT}Z"


def _steps(counts: Sequence[int], most: int, step: float) -> Iterator[str]:
    for index, amount in enumerate(counts):
        height = 0 if not amount else max(1, round(amount / most * (HEIGHT - 2)))
        yield f"V{HEIGHT - height}H{round((index + 1) * step, 1):g}"


def _spans(amounts: Sequence[int]) -> Iterator[tuple[float, float]]:
    total = sum(amounts) or 1
    for end, amount in zip(accumulate(amounts), amounts, strict=True):
        yield 100 * (end - amount) / total, 100 * end / total


def _png(width: int, height: int, pixels: bytes) -> bytes:
    """A picture of one hue, the more opaque the larger the pixel: it suits any background."""
    rows = b"".join(b"\0" + pixels[at : at + width] for at in range(0, width * height, width))
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", _HUE * 256),
        (b"tRNS", bytes(range(256))),
        (b"IDAT", zlib.compress(rows, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
