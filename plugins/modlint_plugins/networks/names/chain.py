"""Whether layers follow one another: each takes as many neurons as the one before it gives."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from modlint.network import CallKind
from modlint_plugins.networks.names.modules import LayerModule
from modlint_plugins.networks.names.words import names_transposed


class Link(Struct, frozen=True):
    """A layer read in one of the ways that its shapes allow, in its place in the chain.

    Attributes:
        module: the layer.
        kind: how its weight is stored.
        inputs: neurons or channels that it takes.
        outputs: neurons or channels that it gives.
        groups: groups of a convolution.
        columns_per_unit: columns that one source neuron owns after a flatten.
        transposed: a linear weight stored as (in, out).
        assumption: what is assumed of it, if anything.
    """

    module: LayerModule
    kind: CallKind
    inputs: int
    outputs: int
    groups: int = 1
    columns_per_unit: int = 1
    transposed: bool = False
    assumption: str | None = None

    @property
    def columns(self) -> int:
        """Columns that its weight has over all groups, kernel positions not counted."""
        return self.inputs * self.columns_per_unit


class Contradiction(Exception):
    """The shapes contradict a chain; the text says where."""


def link(modules: Sequence[LayerModule]) -> tuple[Link, ...]:
    """Chain layers in the order given.

    Raises:
        Contradiction: no reading of the shapes makes them a chain.
    """
    first, *rest = modules
    failures = []
    for start in _readings(first):
        links, failure = _extend(start, rest)
        if failure is None:
            return _settle_squares(links)
        failures.append((len(links), failure))
    if not failures:
        raise Contradiction(f"{first.name} has a bias that does not fit its weight")
    raise Contradiction(max(failures)[1])


def _extend(start: Link, rest: Sequence[LayerModule]) -> tuple[tuple[Link, ...], str | None]:
    """The chain from `start` as far as it goes, and why it goes no further."""
    links = [start]
    for module in rest:
        following = next(_follow(links[-1], module), None)
        if following is None:
            return tuple(links), _mismatch(links[-1], module)
        links.append(following)
    return tuple(links), None


def _readings(module: LayerModule) -> Iterator[Link]:
    """Every way to read a layer on its own, the likeliest first."""
    out, into = module.weight.shape[:2]
    bias = None if module.bias is None else module.bias.shape[0]
    if module.linear:
        if bias in (None, out):
            yield Link(module, "linear", into, out)
        elif bias == into:
            yield Link(module, "linear", out, into, transposed=True)
        return
    plain = Link(module, "conv", into, out)
    turned = Link(module, "conv-transpose", out, into)
    ordered = (turned, plain) if _named_transposed(module) else (plain, turned)
    yield from (reading for reading in ordered if bias in (None, reading.outputs))


def _follow(previous: Link, module: LayerModule) -> Iterator[Link]:
    """Every reading of `module` that can follow `previous`, the likeliest first."""
    given = previous.outputs
    for reading in _readings_after(previous, module):
        if reading.inputs == given:
            if _same_axes(previous, module):
                yield reading
        elif module.linear and not previous.module.linear and reading.inputs % given == 0:
            yield replace(reading, inputs=given, columns_per_unit=reading.inputs // given)
        elif reading.kind == "conv" and _same_axes(previous, module):
            yield from _grouped(reading, given)


def _readings_after(previous: Link, module: LayerModule) -> list[Link]:
    readings = list(_readings(module))
    if previous.kind == "conv-transpose" and not module.linear:
        readings.sort(key=lambda reading: reading.kind != "conv-transpose")
    return readings


def _same_axes(previous: Link, module: LayerModule) -> bool:
    """Convolutions that follow one another have the same number of axes."""
    axes = (len(previous.module.weight.shape), len(module.weight.shape))
    return 2 in axes or axes[0] == axes[1]


def _grouped(reading: Link, given: int) -> Iterator[Link]:
    """A convolution in groups: depthwise, or as many channels out of a group as into it."""
    width = reading.inputs
    if given % width or reading.outputs % (given // width):
        return
    groups = given // width
    if width == 1:
        yield replace(reading, inputs=given, groups=groups)
    elif reading.outputs == given:
        assumption = f"{reading.module.name} is taken as a convolution in {groups:,} groups"
        yield replace(reading, inputs=given, groups=groups, assumption=assumption)


def _mismatch(previous: Link, module: LayerModule) -> str:
    reading = next(_readings(module), None)
    if reading is None:
        return f"{module.name} has a bias that does not fit its weight"
    before, given, takes = previous.module.name, previous.outputs, reading.inputs
    if previous.module.linear and not module.linear:
        return (
            f"{before} is linear and gives {given:,} neurons, {module.name} is a convolution of "
            f"{takes:,} channels: how the neurons become channels is not in the file"
        )
    unit = "inputs" if module.linear else "channels"
    return f"{module.name} takes {takes:,} {unit}, {before} before it gives {given:,}"


def _named_transposed(module: LayerModule) -> bool:
    return any(names_transposed(part) for part in module.parts)


def _settle_squares(links: tuple[Link, ...]) -> tuple[Link, ...]:
    """Convolutions with as many channels in as out are read as their neighbours are."""
    certain: dict[tuple[str, ...], set[CallKind]] = {}
    for item in links:
        if not item.module.linear and item.inputs != item.outputs:
            certain.setdefault(item.module.parts[:-1], set()).add(item.kind)
    everywhere = set().union(*certain.values())
    return tuple(
        _settle(item, certain.get(item.module.parts[:-1], everywhere))
        if not item.module.linear and item.groups == 1 and item.inputs == item.outputs
        else item
        for item in links
    )


def _settle(item: Link, beside: set[CallKind]) -> Link:
    kind: CallKind = "conv"
    if beside == {"conv-transpose"} or _named_transposed(item.module):
        kind = "conv-transpose"
    if beside == {kind}:
        return replace(item, kind=kind)
    what = "a transposed convolution" if kind == "conv-transpose" else "a plain convolution"
    return replace(item, kind=kind, assumption=f"{item.module.name} is taken as {what}")
