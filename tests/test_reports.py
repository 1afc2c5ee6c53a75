"""Cases rebuilt from public reports and by attackers: each gets the right verdict."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from support import no_progress

from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings

WANTED = {
    "malicious": {"error"},
    "malformed": {"error"},
    "suspicious": {"error", "warning"},
    "benign": {"warning", "note", "none"},
}
BESIDE = {
    "shards/model.safetensors.index.json": "model-00001-of-00002.safetensors",
    "diffusers_variant/diffusion_pytorch_model.safetensors.index.fp16.json": (
        "diffusion_pytorch_model.fp16-00001-of-00001.safetensors"
    ),
    "hf_remote/model.safetensors": "config.json",
}
"""Cases that are judged with another file, without which they are no case."""
FOLDERS = {"hf_remote/model.safetensors"}
"""Files that are judged with what stands beside them."""


@pytest.fixture(scope="module")
def registry() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


@pytest.mark.parametrize("collection", ["safety", "safety2"])
def test_each_case_gets_the_verdict_that_is_right_for_it(
    shared: Path, collection: str, registry: Registry
) -> None:
    folder = shared / "reports" / collection
    differing = {}
    for entry in json.loads((folder / "MANIFEST.json").read_text()):
        path = folder / entry["file"]
        if not (path.parent / BESIDE.get(entry["file"], ".")).exists():
            continue
        told = worst(path.parent if entry["file"] in FOLDERS else path, registry)
        if told.split(" ")[0] not in WANTED[entry["expected"]]:
            differing[entry["file"]] = f"{entry['expected']}, got {told}"
    assert not differing, "\n".join(f"{name}: {told}" for name, told in differing.items())


def worst(path: Path, registry: Registry) -> str:
    """The worst finding of the rules on safety, format and graph, with its message."""
    settings = Settings(select=("SEC", "FMT", "GRF"), device="cpu")
    report = check([path], Configuration(settings, None, path.parent), registry, no_progress)
    findings = [finding for file in report.files for finding in file.findings]
    findings.sort(key=lambda finding: -finding.severity.rank)
    if not findings:
        return "none"
    return f"{findings[0].severity} {findings[0].rule} {findings[0].message[:200]}"
