"""The type of the weights against `dtype`."""

from __future__ import annotations

from collections import Counter

from modlint.results.model_config import ModelConfig
from modlint.verdict import Severity
from modlint_rules.format.against_config.comparison import Comparison, Mismatch, Model

_TYPES = frozenset({"bfloat16", "float16", "float32", "float64"})
_KEYS = ("dtype", "torch_dtype")
_MOST = 0.9
"""The share of elements that makes a type the model's: norms in float32 beside are healthy."""


def compare_types(model: Model, comparison: Comparison) -> None:
    """A model whose weights are nearly all of another type than is stated."""
    stated = _stated(model.config)
    if stated is None or model.config.quantised:
        return
    elements: Counter[str] = Counter()
    for tensor in model.weights():
        if tensor.dtype.kind != "float" and len(tensor.shape) > 1:
            elements["codes"] += tensor.elements
        elif tensor.dtype.kind == "float":
            elements[tensor.dtype.name] += tensor.elements
    total = sum(elements.values())
    (main, number), *_ = elements.most_common(1) or [("", 0)]
    if main not in _TYPES or number < _MOST * total:
        return
    if main == stated:
        comparison.agree()
        return
    comparison.differ(
        Mismatch(
            f"{number / total:.0%} of the elements are {main}, and config.json states {stated}:"
            " loaders that follow it cast every weight, which costs time, memory or precision",
            f"state {main} in config.json, or save the weights as {stated}",
            Severity.WARNING,
            values={"type": main, "stated": stated, "share": number / total},
        )
    )


def _stated(config: ModelConfig) -> str | None:
    """The one type that it states; None where it states none, or parts differ."""
    root = config.root.text(*_KEYS)
    named = {section.text(*_KEYS).removeprefix("torch.") for section in config.sections} - {""}
    return named.pop() if root and len(named) == 1 and named <= _TYPES else None
