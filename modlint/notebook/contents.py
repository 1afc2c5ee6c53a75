"""What is in a file, and the clusters of its networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modlint.notebook.elements import element, folded, heading, table, text
from modlint.notebook.pictures import clusters_picture, null_picture
from modlint.text import count

_ENDS = ("inputs", "outputs")

_OPEN = 30
"""Rows up to which a table stands open."""


def contents_html(contents: Mapping[str, Any], summary: str, networks: Sequence[str]) -> str:
    """Networks with their layers, tensors.

    Args:
        contents: as the JSON of `modlint inspect` has them.
        summary: what the file is, in words.
        networks: what each network is, in words.
    """
    parts = [heading(contents["path"], f": {summary}")]
    for network, words in zip(contents["networks"], networks, strict=True):
        parts.append(heading(f"network {network['id']}", f": {words}"))
        if network["layers"]:
            parts.append(_layers(network["layers"]))
    rows = [
        (*map(text, (t["name"], t["dtype"], sizes(t["shape"]), f"{t['bytes']:,}")),)
        for t in contents["tensors"]
    ]
    shown = table(("tensor", "type", "shape", "#bytes"), rows)
    parts.append(shown if len(rows) <= _OPEN else folded(count(len(rows), "tensor"), shown))
    return element("div", "".join(parts))


def sizes(shape: Sequence[int]) -> str:
    """A shape in words."""
    return "×".join(map(str, shape)) or "scalar"


def _layers(layers: Sequence[Mapping[str, Any]]) -> str:
    rows = []
    for layer in layers:
        inputs = ", ".join(layer["inputs"]) or "input"
        facts = (layer["name"], layer["kind"], sizes(layer["shape"]), f"{layer['neurons']:,}")
        rows.append((*map(text, (*facts, layer["activation"] or "", inputs)),))
    shown = table(("layer", "kind", "shape", "#neurons", "activation", "from"), rows)
    return shown if len(rows) <= _OPEN else folded(count(len(rows), "layer"), shown)


def clusters_html(document: Mapping[str, Any], summaries: Sequence[str]) -> str:
    """The clusters of each network, in its layers, and its n-cut among those of its shuffles.

    Args:
        document: as the JSON of `modlint clusters` has it.
        summaries: what each network is, in words.
    """
    parts = [heading(document["path"])]
    for network, words in zip(document["networks"], summaries, strict=True):
        parts += _network(network, words)
    unavailable = document["unavailable"].items()
    parts += [heading(f"network {name}", f": {reason}") for name, reason in unavailable]
    return element("div", "".join(parts))


def _network(network: Mapping[str, Any], words: str) -> Iterator[str]:
    yield heading(f"network {network['id']}", f": {words}")
    yield clusters_picture(network["labels"])
    if samples := network["null"]["null_samples"]:
        yield element("p", text("n-cut among those of the shuffled networks"))
        yield null_picture(samples, network["null"]["ncut"])
    rows = [
        (
            text(c["cluster"]),
            text(f"{c['neurons']:,}"),
            text(f"{c['share']:.1%}"),
            text("∞" if c["in_out_ratio"] is None else f"{c['in_out_ratio']:.3f}"),
            text("" if c["stability"] is None else f"{c['stability']:.0%}"),
            *(
                text(", ".join(str(end["unit"]) for end in c[side]))
                for side in ("inputs", "outputs")
            ),
        )
        for c in network["clusters"]
    ]
    headings = ("#cluster", "#neurons", "#share", "#in/out", "#stable", *_ENDS)
    yield table(headings, rows)
