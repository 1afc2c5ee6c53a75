"""Constant nodes become initialisers, as they do in a runtime: whatever their names and domains."""

from __future__ import annotations

from typing import Any

from modlint_plugins.onnx_check.structure import CONSTANT, graphs, text


def constants_to_initialisers(model: Any) -> None:
    """Turn every Constant of a model's graphs into an initialiser, in place.

    A Constant gives its first attribute. What the file states of the types of inputs and
    initialisers elsewhere is taken out: a runtime goes by their own.
    """
    for graph in list(graphs(model)):
        given = {text(tensor.name) for tensor in graph.initializer}
        for node in graph.node:
            if node.op_type == CONSTANT and node.output[0] and text(node.output[0]) not in given:
                given.add(text(node.output[0]))
                tensor = _tensor(node.attribute[0])
                tensor.name = node.output[0]
                graph.initializer.append(tensor)
        _keep(graph, "node", [node for node in graph.node if node.op_type != CONSTANT])
        _state_own_types(graph)


def _state_own_types(graph: Any) -> None:
    """Give outputs that are inputs or initialisers the types of these; drop other statements."""
    types = {text(value.name): value.type for value in graph.input}
    for tensor in graph.initializer:
        if text(tensor.name) not in types:
            types[text(tensor.name)] = _type(tensor)
    for value in graph.output:
        own = types.get(text(value.name))
        if own is not None:
            value.type.CopyFrom(own)
    kept = [value for value in graph.value_info if text(value.name) not in types]
    _keep(graph, "value_info", kept)


def _type(tensor: Any) -> Any:
    import onnx

    return onnx.helper.make_tensor_type_proto(tensor.data_type, list(tensor.dims))


def _keep(graph: Any, name: str, kept: list[Any]) -> None:
    if len(kept) < len(getattr(graph, name)):
        copies = [type(item).FromString(item.SerializeToString()) for item in kept]
        graph.ClearField(name)
        getattr(graph, name).extend(copies)


def _tensor(attribute: Any) -> Any:
    """The value of a Constant's attribute; a sparse one by its type and shape alone."""
    import onnx

    kinds, tensor = onnx.AttributeProto, onnx.TensorProto()
    if attribute.type == kinds.TENSOR:
        tensor.CopyFrom(attribute.t)
    elif attribute.type == kinds.SPARSE_TENSOR:
        sparse = attribute.sparse_tensor
        return onnx.helper.make_tensor("", sparse.values.data_type, list(sparse.dims), b"", True)
    elif attribute.type in (kinds.FLOAT, kinds.FLOATS):
        tensor.data_type = onnx.TensorProto.FLOAT
        single = attribute.type == kinds.FLOAT
        tensor.float_data.extend([attribute.f] if single else attribute.floats)
    elif attribute.type in (kinds.INT, kinds.INTS):
        tensor.data_type = onnx.TensorProto.INT64
        single = attribute.type == kinds.INT
        tensor.int64_data.extend([attribute.i] if single else attribute.ints)
    else:
        tensor.data_type = onnx.TensorProto.STRING
        single = attribute.type == kinds.STRING
        tensor.string_data.extend([attribute.s] if single else attribute.strings)
    if attribute.type in (kinds.FLOATS, kinds.INTS, kinds.STRINGS):
        fields = (tensor.float_data, tensor.int64_data, tensor.string_data)
        tensor.dims.append(max(map(len, fields)))
    return tensor
