"""A network as a tree of its layers, repeated blocks folded into one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from modlint.folded import Run, folded
from modlint.network_contents import LayerContents, NetworkContents, UnplacedContents
from modlint.text import count, printable

_LISTED = 3
"""Names that are listed; of more the last are, which are the nearest."""
_LONGEST_NAME = 60
_LONGEST_REASON = 160

_Layers = tuple[LayerContents, ...]


def network_lines(network: NetworkContents) -> list[str]:
    """A network, a line for each layer that is not one of a block told before."""
    title = f"network {printable(network.id)}"
    if network.reason is not None:
        return ["", f"{title}: none, {printable(network.reason)}"]
    return ["", f"{title}: {network.summary}", *_tree(network.layers, "  ", "")]


def unplaced_lines(unplaced: Sequence[UnplacedContents]) -> list[str]:
    """Weights that stand in no network, by reason."""
    if not unplaced:
        return []
    by_reason: dict[str, list[str]] = {}
    for weight in unplaced:
        by_reason.setdefault(weight.reason, []).append(weight.tensor)
    lines = ["", f"in no network: {count(len(unplaced), 'weight')}"]
    for reason, names in by_reason.items():
        lines.append(f"  {printable(reason, _LONGEST_REASON)}: {_first(names)}")
    return lines


def _tree(layers: Sequence[LayerContents], indent: str, prefix: str) -> Iterator[str]:
    """Branches; names without what the branch above says of them."""
    runs = folded(layers, _signature)
    branches = [branch for run in runs for branch in _branches(run)]
    for place, branch in enumerate(branches):
        last = place == len(branches) - 1
        head = f"{indent}{'└─' if last else '├─'} "
        if isinstance(branch, LayerContents):
            yield head + _layer(branch, prefix)
            continue
        blocks = (branch.items, *branch.copies)
        first, *_, end = (_shared(block) for block in blocks)
        yield f"{head}{_named(first, prefix)} … {_named(end, prefix)}  ×{len(blocks):,}"
        yield from _tree(branch.items, f"{indent}{'   ' if last else '│  '}", f"{first}.")


def _branches(run: Run[LayerContents]) -> Iterator[LayerContents | Run[LayerContents]]:
    """The layers of a run, or the run where it repeats."""
    if run.copies:
        yield run
    else:
        yield from run.items


def _layer(layer: LayerContents, prefix: str) -> str:
    shape = "×".join(map(str, layer.shape))
    activation = f", {layer.activation}" if layer.activation not in (None, "identity") else ""
    return (
        f"{_named(layer.name, prefix)}  {layer.kind} {shape}{activation}, "
        f"{count(layer.neurons, 'neuron')}, from {_nearest(layer.inputs, prefix) or 'input'}"
    )


def _named(name: str, prefix: str) -> str:
    own = name.removeprefix(prefix)
    return printable(own or name, _LONGEST_NAME)


def _nearest(names: Sequence[str], prefix: str) -> str:
    listed = ", ".join(_named(name, prefix) for name in names[-_LISTED:])
    left = len(names) - _LISTED
    return f"{listed} and {left:,} before" if left > 0 else listed


def _first(names: Sequence[str]) -> str:
    listed = ", ".join(printable(name, _LONGEST_NAME) for name in names[:_LISTED])
    return f"{listed}, … ({len(names):,})" if len(names) > _LISTED else listed


def _shared(layers: _Layers) -> str:
    """What the names of a block begin with, in whole words."""
    words = [layer.name.split(".") for layer in layers]
    if len(words) == 1:
        return layers[0].name
    same: list[str] = []
    for column in zip(*words, strict=False):
        if len(set(column)) > 1:
            break
        same.append(column[0])
    return ".".join(same) or layers[0].name


def _signature(layer: LayerContents) -> tuple[object, ...]:
    return re.sub(r"\d+", "#", layer.name), layer.kind, layer.shape, layer.activation
