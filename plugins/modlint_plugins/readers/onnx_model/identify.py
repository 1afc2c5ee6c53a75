"""Recognising an ONNX model by its top-level fields: tags and lengths only."""

from __future__ import annotations

from modlint_plugins.readers.onnx_model.wire import (
    BYTES,
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
_MAX_FIELDS = 100_000
_MAX_IR_VERSION = 100


def is_model(view: memoryview) -> bool:
    """Whether the bytes are a ModelProto, whole or cut off at the end."""
    items: list[Field] = []
    position = 0
    while position < len(view):
        try:
            item = read_field(view, position, len(view))
        except WireError as error:
            return bool(error.missing) and _is_beginning(view, items, position)
        known = _MODEL_FIELDS.get(item.number)
        if (known is None and not items) or known not in (None, item.wire):
            return False
        items.append(item)
        position = item.end
        if len(items) > _MAX_FIELDS:
            return False
    return _has_graph(view, items)


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
