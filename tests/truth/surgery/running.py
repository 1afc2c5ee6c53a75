"""onnxruntime before and after an operation."""

from __future__ import annotations

import numpy as np
import onnx
import onnxruntime

Feeds = dict[str, np.ndarray]
_TYPES = {"tensor(float)": np.float32, "tensor(double)": np.float64, "tensor(int64)": np.int64}


def feeds(model: onnx.ModelProto, seed: int = 0, tokens: int = 8) -> Feeds:
    """Noise for every input: numbers below `tokens` where it takes integers, 2 for a free axis.

    An integer alone is 0: the exporter by tracing makes an input of `logits_to_keep`.
    """
    rng = np.random.default_rng(seed)
    found = {}
    for value in _session(model).get_inputs():
        shape = [n if isinstance(n, int) and n > 0 else 2 for n in value.shape]
        kind = _TYPES.get(value.type, np.bool_)
        noise = (
            rng.normal(size=shape)
            if kind in (np.float32, np.float64)
            else rng.integers(1, tokens, shape) * bool(shape)
        )
        found[value.name] = np.asarray(noise, kind)
    return found


def difference(a: onnx.ModelProto, b: onnx.ModelProto, given: Feeds) -> float:
    """The largest difference of their results, relative to the largest result."""
    old, new = (_session(m).run(None, given) for m in (a, b))
    largest = max(float(np.abs(x).max()) for x in old if np.size(x))
    return max(
        float(np.abs(x - y).max()) for x, y in zip(old, new, strict=True) if np.size(x)
    ) / max(largest, 1e-30)


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(_with_counts(model).SerializeToString(), options)


def _with_counts(model: onnx.ModelProto) -> onnx.ModelProto:
    """The model with numbers for what CumSum counts, as torch has it: the older exporter omits it.

    onnxruntime refuses sums of booleans.
    """
    booleans = _booleans(model)
    if not booleans:
        return model
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    del copy.graph.node[:], copy.graph.value_info[:]
    for node in model.graph.node:
        counts = node.op_type == "CumSum" and node.input[0] in booleans
        if counts:
            counted = f"{node.output[0]} counted"
            copy.graph.node.append(
                onnx.helper.make_node("Cast", [node.input[0]], [counted], to=onnx.TensorProto.INT64)
            )
        copy.graph.node.append(node)
        if counts:
            copy.graph.node[-1].input[0] = counted
    return copy


def _booleans(model: onnx.ModelProto) -> set[str]:
    """Names of booleans that are summed up."""
    summed = {node.input[0] for node in model.graph.node if node.op_type == "CumSum"}
    if not summed:
        return summed
    known = onnx.shape_inference.infer_shapes(model).graph.value_info
    return {v.name for v in known if v.type.tensor_type.elem_type == onnx.TensorProto.BOOL} & summed
