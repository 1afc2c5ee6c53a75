"""Weighted calls of a recording: products, convolutions and lookups that read a parameter."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import dataclass, replace

from torch import fx

from truth.oracle.recording import Recording, kind

Owners = dict[fx.Node, frozenset[str]]  # of nodes that read no activation: the matrices in them
PRODUCTS = {"mm": (0, 1), "bmm": (0, 1), "addmm": (1, 2), "baddbmm": (1, 2), "mv": (0, 1)}
PRODUCTS |= {"addmv": (1, 2), "linear": (0, 1), "matmul": (0, 1), "_grouped_mm": (0, 1)}
_ROUTED = ("index", "index_select", "gather")


@dataclass(frozen=True)
class Call:
    """A weighted call.

    Attributes:
        node: the call; its value has the output channels along `out`.
        weight: the node that holds the weight as used, its channels along `rows` and its columns
            along `lines`; None where these do not number them (groups).
        data: the node that holds the activations, input channels along `into`; None for a lookup.
        fixed: a lookup at places that depend on no input, or a product with what was multiplied
            from such a table (keys of relative positions).
    """

    node: fx.Node
    weight: fx.Node
    data: fx.Node | None
    into: int
    out: int
    rows: int | None
    lines: int | None
    fixed: bool = False


def weighted_calls(
    record: Recording, recurrent: Container[str] = ()
) -> tuple[dict[fx.Node, Call], Owners]:
    """The weighted calls by node, and which matrices stand in what reads no activation.

    The first step of a recurrent weight is a call too, though it reads a state of zeros.
    """
    owners: Owners = {}
    for node, name in record.named.items():
        value = record.values[node]
        owners[node] = frozenset({name} if value.ndim > 1 and value.is_floating_point() else ())
    found: dict[fx.Node, Call] = {}
    composed: set[fx.Node] = set()
    for node in record.order:
        call = _call(node, owners, record) or _first_step(node, owners, recurrent)
        if call is not None:
            found[node] = replace(call, fixed=True) if call.weight in composed else call
        elif all(n in owners for n in node.all_input_nodes) or _routed(node, owners, record):
            held = [owners.get(n, frozenset()) for n in node.all_input_nodes]
            owners[node] = frozenset().union(*held)
            if kind(node) in PRODUCTS or composed.intersection(node.all_input_nodes):
                composed.add(node)
    return found, owners


def _first_step(node: fx.Node, owners: Owners, recurrent: Container[str]) -> Call | None:
    if kind(node) not in ("mm", "addmm"):
        return None
    left, right = (node.args[i] for i in PRODUCTS[kind(node)])
    held = owners.get(right, frozenset())
    starts = owners.get(left) == frozenset() and any(name in recurrent for name in held)
    return Call(node, right, left, -1, -1, -1, -2) if starts else None


def _routed(node: fx.Node, owners: Owners, record: Recording) -> bool:
    """The weights of chosen experts: a stack of matrices at places that routing gives."""
    data = node.all_input_nodes[0] if node.all_input_nodes else None
    return kind(node) in _ROUTED and bool(owners.get(data)) and record.values[data].ndim > 2


def _call(node: fx.Node, owners: Owners, record: Recording) -> Call | None:
    name = kind(node)
    if name == "embedding" and owners.get(node.args[0]):
        table, index = node.args[:2]
        return Call(node, table, None, -1, -1, -1, None, fixed=index in owners)
    if name in ("index", "index_select") and owners.get(node.args[0]):
        return _lookup(node, owners, record)
    if all(n in owners for n in node.all_input_nodes):
        return None
    if name == "convolution" and owners.get(node.args[1]):
        return _convolution(node)
    if name in PRODUCTS:
        return _product(node, owners, record, name == "linear")
    return None


def _lookup(node: fx.Node, owners: Owners, record: Recording) -> Call | None:
    """Rows of a table at places that an input gives, written as an index."""
    table, *rest = node.args
    if record.values[table].ndim != 2 or all(n in owners for n in node.all_input_nodes):
        return None
    first = rest[0][0] if kind(node) == "index" else (rest[0] == 0 or None)
    whole = kind(node) != "index" or len(rest[0]) == 1
    return Call(node, table, None, -1, -1, -1, None) if first is not None and whole else None


def _convolution(node: fx.Node) -> Call:
    data, weight, transposed, groups = (node.args[i] for i in (0, 1, 6, 8))
    rows: int | None = 1 if transposed else 0
    lines: int | None = 0 if transposed else 1
    if groups != 1:
        rows, lines = (None, lines) if transposed else (rows, None)
    return Call(node, weight, data, 1, 1, rows, lines)


def _product(node: fx.Node, owners: Owners, record: Recording, stored_out_in: bool) -> Call | None:
    left, right = (node.args[i] for i in PRODUCTS[kind(node)])
    if owners.get(right) and left not in owners:
        rows, lines = (0, 1) if stored_out_in else (-1, -2)
        return Call(node, right, left, -1, -1, rows, lines)
    if owners.get(left) and right not in owners:
        axis = -2 if record.values[right].ndim > 1 else -1
        return Call(node, left, right, axis, axis, -2, -1)
    return None
