"""Checks of ONNX graphs; onnx itself is imported by the modules that call it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.analysis.base import Analysis


@hookimpl
def modlint_analyses() -> Iterable[type[Analysis[Any, Any]]]:
    """What computes the analyses that `modlint.analysis` declares of ONNX models."""
    from modlint_plugins.onnx_check.checker import OnnxChecker
    from modlint_plugins.onnx_check.dataflow import OnnxDataflowWalk

    return (OnnxChecker, OnnxDataflowWalk)
