"""GRF010 against onnxruntime: what it names takes one batch only, what it passes takes others."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from rule_cases import Case

CASES: tuple[Case, ...] = runpy.run_path(str(Path(__file__).with_name("fixed_batch.py")))["CASES"]
OF_OWN = "operator of one's own"
KINDS = {"tensor(float)": np.float32, "tensor(int64)": np.int64}


def takes(path: Path, batch: int) -> bool:
    """Whether a model gives as many rows as it is given, where its output says so."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level, options.intra_op_num_threads = 4, 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    (given,) = session.get_inputs()
    shape = [batch, *(size if isinstance(size, int) else 5 for size in given.shape[1:])]
    try:
        (found, *_) = session.run(None, {given.name: np.ones(shape, KINDS[given.type])})
    except Exception:  # of a class of onnxruntime's own that it does not export
        return False
    graph = onnx.load(path).graph
    first = [value.type.tensor_type.shape.dim[0] for value in (graph.input[0], graph.output[0])]
    free = bool(first[1].dim_param) and first[1].dim_param == first[0].dim_param
    return not free or len(found) == batch


def runnable(outcome: str) -> list[Any]:
    chosen = [case for case in CASES if case.expected[0].outcome == outcome]
    return [pytest.param(case, id=case.title) for case in chosen if OF_OWN not in case.title]


def written(case: Case, folder: Path) -> Path:
    path = case.write(folder)
    made = onnx.load(path)
    opsets = [entry.version for entry in made.opset_import if not entry.domain]
    if opsets[0] < 7:
        pytest.skip("onnxruntime loads opset 7 and later")
    return path


@pytest.mark.parametrize("case", runnable("fail"))
def test_what_is_named_takes_not_every_batch(case: Case, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    assert [takes(path, batch) for batch in (1, 2, 3, 8)].count(True) <= 1


@pytest.mark.parametrize("case", runnable("pass"))
def test_what_passes_takes_any_batch(case: Case, tmp_path: Path) -> None:
    path = written(case, tmp_path)
    assert all(takes(path, batch) for batch in (1, 2, 8))
