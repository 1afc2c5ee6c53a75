"""An ONNX file that onnxruntime runs, on the CPU and with its own operators alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from modlint.errors import UsageError
from modlint.numerics.lesions.columns import Reading, Weights
from modlint.processors import usable_threads

AT_ONCE = 512
"""Samples in one run, where the model leaves their number open."""

FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
    "tensor(bool)": np.bool_,
}


class OnnxModel:
    """Runs a file; weights of floating point can be changed for a run.

    Attributes:
        weights: by the names of the graph's initializers.
    """

    def __init__(self, path: Path, inputs: NDArray[Any]) -> None:
        """Load the file.

        Raises:
            UsageError: onnxruntime does not load it, its weights are in other files, it has not
                one input, or the samples are not what that takes.
        """
        model = _loaded(path)
        stored = model.graph.initializer
        self.weights: Weights = _arrays(path, model)
        self._outputs = [model.graph.output[0].name]
        self._between = _reads(model)
        self._session = _session(path, _opened(model, set(self._between.values())))
        given = [i for i in self._session.get_inputs() if i.name not in {t.name for t in stored}]
        if len(given) != 1:
            names = ", ".join(each.name for each in given) or "none"
            raise UsageError(f"{path} has {len(given)} inputs ({names}): lesions need one")
        self._input = given[0]
        if self._input.type not in TYPES:
            raise UsageError(f"{path}: its input is a {self._input.type}, which no array gives")
        self._samples: NDArray[Any] = inputs.astype(TYPES[self._input.type])

    def logits(self, changed: Weights) -> NDArray[Any]:
        """What the file's first output is: (samples, classes)."""
        parts = [found[0] for found in self._run(self._outputs, changed)]
        if not all(isinstance(part, np.ndarray) and part.ndim > 1 for part in parts):
            raise UsageError("the model's first output holds no scores, (samples, classes)")
        found = np.concatenate(parts)[: len(self._samples)]
        return found.reshape(found.shape[:2]) if found.size == np.prod(found.shape[:2]) else found

    def reads(self, layers: Sequence[Reading]) -> Mapping[str, NDArray[Any]]:
        """By layer, what it reads: (samples, columns)."""
        names = {
            reading.call.name: self._between[reading.call.weight]
            for reading in layers
            if reading.call.weight in self._between
        }
        if not names:
            return {}
        axes = {r.call.name: 1 if r.call.kind.startswith("conv") else -1 for r in layers}
        parts = self._run(list(names.values()), {})
        whole = [np.concatenate(each)[: len(self._samples)] for each in zip(*parts, strict=True)]
        found = {name: _means(a, axes[name]) for name, a in zip(names, whole, strict=True)}
        widths = {reading.call.name: reading.call.columns for reading in layers}
        return {name: array for name, array in found.items() if array.shape[1] == widths[name]}

    def _run(self, names: list[str], changed: Weights) -> Iterator[list[NDArray[Any]]]:
        for part in self._parts():
            try:
                yield self._session.run(names, {self._input.name: part, **changed})
            except Exception as error:  # onnxruntime's own errors have no common base
                raise UsageError(
                    f"the model does not take `inputs` of the shape {self._samples.shape}"
                    f" (it takes {self._input.name}: {self._input.shape}): {_line(error)}"
                ) from error

    def _parts(self) -> Iterator[NDArray[Any]]:
        """The samples as many at a time as the model takes, the last ones filled up."""
        fixed = self._input.shape[0] if self._input.shape else None
        each = fixed if isinstance(fixed, int) and fixed > 0 else AT_ONCE
        for start in range(0, len(self._samples), each):
            part = self._samples[start : start + each]
            if each == fixed and len(part) < each:
                part = np.concatenate([part, np.repeat(part[-1:], each - len(part), 0)])
            yield part


def _loaded(path: Path) -> onnx.ModelProto:
    try:
        model = onnx.load_model(path, load_external_data=False)
    except Exception as error:  # protobuf's own errors have no common base
        raise UsageError(f"onnx does not load {path}: {_line(error)}") from error
    if not model.graph.output:
        raise UsageError(f"{path} has no output")
    return model


def _arrays(path: Path, model: onnx.ModelProto) -> dict[str, NDArray[Any]]:
    """The initializers of floating point, by name."""
    stored = model.graph.initializer
    if any(tensor.data_location == TensorProto.EXTERNAL for tensor in stored):
        raise UsageError(f"{path}: its weights are in other files: save it as one file")
    try:
        return {t.name: numpy_helper.to_array(t) for t in stored if t.data_type in FLOATS}
    except ValueError as error:
        raise UsageError(f"{path}: a weight is not of its shape: {_line(error)}") from error


def _means(array: NDArray[Any], axis: int) -> NDArray[Any]:
    """(samples, columns), of images and sequences the mean over positions."""
    array = np.moveaxis(array, axis, 1)
    found: NDArray[Any] = array.reshape(*array.shape[:2], -1).mean(2)
    return found


def _reads(model: onnx.ModelProto) -> dict[str, str]:
    """By the name of a weight that is a node's second input, the name of its first."""
    stored = {tensor.name for tensor in model.graph.initializer}
    return {
        node.input[1]: node.input[0]
        for node in model.graph.node
        if node.op_type in ("Conv", "Gemm", "MatMul", "ConvTranspose")
        and len(node.input) > 1
        and node.input[1] in stored
        and node.input[0] not in stored
    }


def _opened(model: onnx.ModelProto, between: set[str]) -> bytes:
    """The model with its weights as inputs that have defaults, and more outputs."""
    graph = model.graph
    known = {each.name for each in graph.input} | {each.name for each in graph.output}
    for tensor in graph.initializer:
        if tensor.data_type in FLOATS and tensor.name not in known:
            value = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            graph.input.append(value)
    graph.output.extend(onnx.ValueInfoProto(name=n) for n in sorted(between - known))
    model.ir_version = max(model.ir_version, 4)
    return bytes(model.SerializeToString())


def _session(path: Path, model: bytes) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = usable_threads()
    try:
        return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors have no common base
        raise UsageError(f"onnxruntime does not load {path}: {_line(error)}") from error


def _line(error: Exception) -> str:
    return str(error).strip().partition("\n")[0][:300]
