"""Checks of ONNX graphs; onnx itself is imported by the modules that call it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from modlint import hookimpl
from modlint.analysis.base import Analysis


@hookimpl
def modlint_analyses() -> Iterable[type[Analysis[Any, Any]]]:
    """What computes the analysis that is declared in `modlint.analysis.onnx_check`."""
    from modlint_plugins.onnx_check.checker import OnnxChecker

    return (OnnxChecker,)
