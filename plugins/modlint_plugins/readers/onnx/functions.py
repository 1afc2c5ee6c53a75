"""Functions of a model that are called as operators of the standard are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from modlint_plugins.readers.onnx.types import text

_STANDARD = frozenset({"", "ai.onnx.ml", "ai.onnx.training"})
_MAX_FUNCTIONS = 100


def shadowed_operators(model: Any) -> Iterator[str]:
    """What to say of each function of a model that stands where the standard has an operator.

    onnxruntime runs the operator, onnx's own reference the function: one file, two models.
    """
    import onnx

    for function in model.functions[:_MAX_FUNCTIONS]:
        name, domain = text(function.name), text(function.domain)
        where = "" if domain == "ai.onnx" else domain
        if where in _STANDARD and onnx.defs.has(name, where):
            yield (
                f"function {name!r} of domain {domain or 'ai.onnx'!r} is called as an operator of "
                "the standard is: some runtimes run one, some the other"
            )
