"""The corpus of hostile files: each gets the verdict that its authors state."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import no_progress

from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings

WANTED = {
    "malicious": {"error"},
    "malformed": {"error"},
    "suspicious": {"error", "warning"},
    "benign": {"warning", "note", "none"},
}
_RECORDED = "onnx__onnx/recorded/checker_test__test"
REASONS = {
    "mmaitre314__picklescan/tests/data/not_a_pickle.bin": (
        "no pickle, as its authors say, and no checkpoint; its name promises none: a note"
    ),
    "NVIDIA__TensorRT/Polygraphy_models/cleanable.onnx": (
        "nodes that no output needs: nothing is wrong but the waste, a note"
    ),
    "NVIDIA__TensorRT/Polygraphy_models/ext_weights.onnx": (
        "its weights lie in a file that is not beside it: it cannot be loaded"
    ),
    "NVIDIA__TensorRT/Polygraphy_models/unsorted.onnx": (
        "onnxruntime sorts the nodes of the main graph and loads it: a warning"
    ),
    f"{_RECORDED}_check_graph_empty_initializer_name__1.onnx": (
        "onnx.checker refuses it, onnxruntime loads it: a warning"
    ),
    f"{_RECORDED}_nested_graph__0.onnx": (
        "it calls Scale, which the opset it imports does not have: onnxruntime refuses it"
    ),
    f"{_RECORDED}_nested_graph_without_subgraph_input_shape__0.onnx": (
        "it calls Scale, which the opset it imports does not have: onnxruntime refuses it"
    ),
}
"""Files that get another verdict, and why that is the right one."""


def test_the_corpus_gets_the_verdicts_that_its_authors_state(shared: Path) -> None:
    folder = shared / "hostile"
    manifest = json.loads((folder / "MANIFEST.json").read_text())["files"]
    registry = load_registry()
    registry.load_all()
    families = tuple(sorted({code[:3] for code in registry.rules} & {"SEC", "FMT", "GRF"}))
    settings = Settings(select=families, device="cpu")
    paths = {folder / entry["file"]: entry for entry in manifest}
    report = check(list(paths), Configuration(settings, None, folder), registry, no_progress)
    assert not report.run.problems
    differing = {}
    for file in report.files:
        entry = paths[Path(file.path)]
        worst = str(file.findings[0].severity) if file.findings else "none"
        if worst not in WANTED[entry["expected"]]:
            differing[entry["file"]] = f"{entry['expected']}, got {worst}"
    if "GRF" not in families:
        differing = {name: told for name, told in differing.items() if ".onnx" not in name}
        pytest.skip(f"no graph rules; without them {sorted(differing.keys() - REASONS)}")
    assert differing.keys() == REASONS.keys(), differing
