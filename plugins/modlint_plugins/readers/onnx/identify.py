"""Recognising an ONNX model by its top-level fields: tags and lengths only."""

from __future__ import annotations

from modlint_plugins.readers.onnx.wire import (
    BYTES,
    GROUP,
    VARINT,
    Field,
    WireError,
    read_field,
    read_varint,
)

_MODEL_FIELDS = {
    1: VARINT,  # ir_version
    2: BYTES,  # producer_name
    3: BYTES,  # producer_version
    4: BYTES,  # domain
    5: VARINT,  # model_version
    6: BYTES,  # doc_string
    7: BYTES,  # graph
    8: BYTES,  # opset_import
    14: BYTES,  # metadata_props
    20: BYTES,  # training_info
    25: BYTES,  # functions
    26: BYTES,  # configuration
}
_IR_VERSION, _GRAPH = 1, 7
_TEXTS = frozenset({2, 3, 4, 6})
_GRAPH_TAGS = frozenset(number << 3 | BYTES for number in (1, 2, 5, 10, 11, 12, 13, 14, 15, 16))
_NODE_OPERATOR = 4
_NODE_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 9, 10})
_MAX_FIELDS, _MAX_GROUPS = 100_000, 20
_MAX_SEARCHED = 1000
"""Fields of a graph among which one of its nodes is looked for."""
_MAX_IR_VERSION = 100


def is_model(view: memoryview) -> bool:
    """Whether the bytes are a ModelProto, whole or cut off at the end.

    Parsers skip fields that they do not know, wherever they stand; where one of those is met, the
    graph must hold a node.
    """
    items: list[Field] = []
    strange, position, groups = False, 0, 0
    while position < len(view):
        try:
            item = read_field(view, position, len(view))
        except WireError as error:
            return bool(error.missing) and not strange and _is_beginning(view, items, position)
        known = _MODEL_FIELDS.get(item.number)
        strange |= (known is None and not items) or known not in (None, item.wire)
        items.append(item)
        position = item.end
        groups += item.wire == GROUP
        if len(items) > _MAX_FIELDS or groups > _MAX_GROUPS:
            return False
    if strange:
        return any(_is_graph(view, item) for item in items)
    return _has_graph(view, items)


def _is_graph(view: memoryview, item: Field) -> bool:
    """Whether a field is a model's graph with a node among its first fields."""
    if (item.number, item.wire) != (_GRAPH, BYTES):
        return False
    position, searched = item.start, 0
    try:
        while position < item.end and searched < _MAX_SEARCHED:
            inner = read_field(view, position, item.end)
            if inner.number == 1 and inner.wire == BYTES and _is_node(view, inner):
                return True
            position, searched = inner.end, searched + 1
    except WireError:
        pass
    return False


def _is_node(view: memoryview, item: Field) -> bool:
    position, named = item.start, False
    while position < item.end:
        inner = read_field(view, position, item.end)
        if inner.number not in _NODE_FIELDS:
            return False
        if inner.number == _NODE_OPERATOR and inner.wire == BYTES:
            named = bytes(view[inner.start : inner.end]).isalnum()
        position = inner.end
    return named


def _has_graph(view: memoryview, items: list[Field]) -> bool:
    return any(
        item.number == _GRAPH and (item.start == item.end or view[item.start] in _GRAPH_TAGS)
        for item in items
    )


def _is_beginning(view: memoryview, items: list[Field], position: int) -> bool:
    """Whether a model was cut off in the field at `position`.

    Its version came first, then nothing but a model's fields, and the end is in its graph, after
    it, or in a text before it.
    """
    if not items or items[0].number != _IR_VERSION:
        return False
    if not 0 < view[items[0].start] < _MAX_IR_VERSION:
        return False
    if any(item.number not in _MODEL_FIELDS for item in items):
        return False
    return _has_graph(view, items) or _is_cut_off(view, position)


def _is_cut_off(view: memoryview, position: int) -> bool:
    number, wire = view[position] >> 3, view[position] & 7
    if wire != BYTES:
        return False
    try:
        start = read_varint(view, position + 1, len(view))[1]
    except WireError:  # the end is in the field's length
        return number == _GRAPH
    if number == _GRAPH:
        return start == len(view) or view[start] in _GRAPH_TAGS
    rest = bytes(view[start : start + 1000])
    return number in _TEXTS and bool(rest) and rest.isascii() and rest.decode().isprintable()
