"""A slice of the sweep: what modlint claims of small networks, from every source, is true."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from truth import records
from truth.claims import available, claimed_edges
from truth.comparing import Judgement, judge
from truth.graph import Truth
from truth.matching import matches
from truth.sources import SOURCES, write
from truth.stored import arrays
from truth.zoo import ZOO, built

MEASURED = Path(__file__).parent / "measured"
NAMES = (
    "mlp_square",
    "residual_mlp",
    "cnn_flatten",
    "inverted_residual",
    "unet",
    "weight_norm",
    "grouped",
    "lstm_stacked_bidirectional",
    "grouped_queries",
    "transformers_bert",
    "transformers_llama",
)
MISLEADING = [name for name, architecture in ZOO.items() if architecture.group == "misleading"]
EXACT = ("onnx-ts", "onnx-dynamo", "pt2")
UNWRITTEN = {
    **{(name, "config"): "only transformers writes a config.json" for name in NAMES},
    **{(name, "torchscript-script"): "its code is not TorchScript" for name in NAMES},
}
SCRIPTED = ("mlp_square", "cnn_flatten", "grouped", "inverted_residual")
for _name in NAMES:
    if _name.startswith("transformers"):
        del UNWRITTEN[_name, "config"]
    if _name in SCRIPTED:
        del UNWRITTEN[_name, "torchscript-script"]


def _truth(name: str) -> Truth:
    return records.load(MEASURED / f"{name}.json.gz")


@pytest.fixture(scope="session")
def _edges(tmp_path_factory: pytest.TempPathFactory) -> None:
    if not available(tmp_path_factory.mktemp("probe")):
        pytest.skip("this modlint has no `inspect --edges` yet")


def _judged(name: str, source: str, folder: Path) -> Judgement:
    module, inputs = built(ZOO[name])
    state = {n: v.numpy() for n, v in module.state_dict().items() if v.ndim > 1}
    path = write(source, module, inputs, folder)
    truth = _truth(name)
    return judge(truth, claimed_edges(path), matches(arrays(path), state, truth))


@pytest.mark.usefixtures("_edges")
@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("name", NAMES)
def test_no_edge_is_wrong_and_graphs_are_exact(name: str, source: str, tmp_path: Path) -> None:
    if (name, source) in UNWRITTEN:
        pytest.skip(UNWRITTEN[name, source])
    found = _judged(name, source, tmp_path)
    assert found.wrong == {}
    if source in EXACT:
        assert found.missing == {}
        assert found.kind == "exact"
        assert found.share == 1.0
    elif source == "config":
        assert found.share >= 0.9


@pytest.mark.usefixtures("_edges")
@pytest.mark.parametrize("name", MISLEADING)
def test_what_names_and_shapes_cannot_tell_is_no_more_than_a_guess(
    name: str, tmp_path: Path
) -> None:
    assert _judged(name, "safetensors", tmp_path).wrong == {}


@pytest.mark.parametrize("name", NAMES)
def test_the_measured_truth_names_the_weights_of_the_module(name: str) -> None:
    torch.manual_seed(0)
    weights = {n for n, v in ZOO[name].build().state_dict().items() if v.ndim > 1}
    truth = _truth(name)
    assert truth.required
    assert set(truth.layers) <= weights
