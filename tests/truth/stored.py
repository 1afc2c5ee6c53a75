"""The matrices of a file by the names that its format gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import numpy_helper
from safetensors.numpy import load_file

Arrays = dict[str, np.ndarray]


def arrays(path: Path) -> Arrays | None:
    """Tensors of two or more axes; None where the file's names are the module's own."""
    if path.suffix == ".onnx":
        found = _of_graph(onnx.load(path).graph)
    elif path.is_dir():
        found = {k: v for p in sorted(path.glob("*.safetensors")) for k, v in load_file(p).items()}
    else:
        return None
    return {
        name: value for name, value in found.items() if value.ndim > 1 and value.dtype.kind == "f"
    }


def _of_graph(graph: onnx.GraphProto) -> Arrays:
    found = {i.name: numpy_helper.to_array(i) for i in graph.initializer}
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == onnx.AttributeProto.TENSOR and node.op_type == "Constant":
                found[node.output[0]] = numpy_helper.to_array(attribute.t)
            for inner in (attribute.g, *attribute.graphs) if attribute.HasField("g") else ():
                found |= _of_graph(inner)
    return found
