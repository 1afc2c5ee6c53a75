"""`modlint clusters --data`: what a network loses with each cluster, from real files."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from lesion_networks import (
    CLASSES,
    convolutional,
    export,
    perceptron,
    right_without,
    samples,
    save_batch,
)
from torch import nn

import modlint
from modlint.cli import main

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

Capture = pytest.CaptureFixture[str]
QUICK = ["--clusters", "3", "--shuffles", "0", "--seeds", "1", "--random-groups", "10"]
MLP = ["mlp.pt", "--activation", "relu", *QUICK]


@pytest.fixture(scope="module")
def models() -> dict[str, nn.Sequential]:
    """Trained once for all tests."""
    return {"mlp": perceptron(), "cnn": convolutional()}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, models: dict[str, nn.Module]) -> None:
    """A folder with both networks in two formats, and samples."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    for name, model in models.items():
        torch.save(model.state_dict(), f"{name}.pt")
        export(model, f"{name}.onnx")
    save_batch()


def lesions(capsys: Capture, *arguments: str) -> dict[str, Any]:
    """The lesions of the one network, with its labels."""
    assert main(["clusters", *arguments, "--data", "batch.npz", "--output-format", "json"]) == 0
    (network,) = json.loads(capsys.readouterr().out)["networks"]
    found: dict[str, Any] = network["lesions"] | {"labels": network["labels"]}
    return found


def agrees(found: dict[str, Any], model: nn.Sequential, layers: list[int]) -> None:
    """Every lesion costs what torch's hooks say; layers are the activations, in order."""
    _, labels = samples(120, seed=1)
    names = list(dict.fromkeys(lesion["layer"] for lesion in found["lesions"]))
    hidden = list(found["labels"])[1:-1]
    for lesion in found["lesions"]:
        own = found["labels"][lesion["layer"]]
        units = [unit for unit, label in enumerate(own) if label == lesion["cluster"]]
        right = right_without(model, model[layers[hidden.index(lesion["layer"])]], units)
        assert lesion["units"] == len(units)
        assert lesion["importance"] == pytest.approx(
            found["accuracy"] - right.double().mean().item()
        )
        for label in range(CLASSES):
            expected = right[labels == label].double().mean().item()
            own_class = found["class_accuracies"][label] + lesion["class_changes"][label]
            assert own_class == pytest.approx(expected)
    assert names


@pytest.mark.parametrize("arguments", [["mlp.onnx", *QUICK], MLP])
def test_of_a_perceptron_lesions_are_torchs(
    arguments: list[str], models: dict[str, nn.Sequential], capsys: Capture
) -> None:
    found = lesions(capsys, *arguments)
    assert found["samples"] == 120
    assert found["classes"] == CLASSES
    assert found["accuracy"] > 0.8
    agrees(found, models["mlp"], [2, 4])


def test_of_a_convolutional_network_lesions_are_torchs(
    models: dict[str, nn.Sequential], capsys: Capture
) -> None:
    found = lesions(capsys, "cnn.onnx", *QUICK)
    agrees(found, models["cnn"], [1, 3])
    assert all(lesion["co_activation_outside"] is not None for lesion in found["lesions"])


def test_an_onnx_file_of_a_fixed_number_of_samples_is_run_in_parts(
    models: dict[str, nn.Sequential], capsys: Capture
) -> None:
    expected = lesions(capsys, "cnn.onnx", *QUICK)
    export(models["cnn"], "cnn.onnx", batch=7)
    found = lesions(capsys, "cnn.onnx", *QUICK)
    assert found["samples"] == 120
    for one, other in zip(found["lesions"], expected["lesions"], strict=True):
        assert one["class_changes"] == other["class_changes"]
        assert one["importance_p"] == other["importance_p"]
        assert one["co_activation"] == pytest.approx(other["co_activation"], abs=1e-4)


def test_every_way_to_run_a_network_gives_the_same(
    models: dict[str, nn.Sequential], capsys: Capture
) -> None:
    files = [lesions(capsys, "mlp.onnx", *QUICK), lesions(capsys, *MLP)]
    ask: dict[str, Any] = {"clusters": 3, "shuffles": 0, "seeds": 1, "random_groups": 10}
    images, labels = samples(120, seed=1)
    data = {"inputs": images, "labels": labels}
    model = models["mlp"]
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    model.train()
    in_memory = [
        modlint.clusters(model, data=data, **ask),
        modlint.clusters(model, data="batch.npz", **ask),
        modlint.clusters(model.state_dict(), data=data, activation="relu", **ask),
    ]
    assert all(module.training for module in model.modules())
    model.eval()
    assert all(torch.equal(before[name], own) for name, own in model.state_dict().items())
    documents = [each.to_dict()["networks"][0]["lesions"] for each in in_memory]
    for found in [*files, *documents]:
        for one, other in zip(found["lesions"], files[0]["lesions"], strict=True):
            assert (one["cluster"], one["importance"]) == (other["cluster"], other["importance"])
            assert one["importance_p"] == other["importance_p"]
            assert one["co_activation"] == pytest.approx(other["co_activation"], abs=1e-4)


def test_the_tables_tell_lesions(capsys: Capture) -> None:
    found = lesions(capsys, "mlp.onnx", *QUICK)
    assert main(["clusters", "mlp.onnx", *QUICK, "--data", "batch.npz"]) == 0
    out = capsys.readouterr().out
    assert f"accuracy   {found['accuracy']:.2%} of 120 samples" in out
    assert re.search(rf"{len(found['lesions'])} lesions cost [\d.]+% of accuracy", out)
    last = found["lesions"][-1]
    row = rf"^ .* {last['cluster']} +{last['units']} +{last['importance']:.1%} \("
    assert re.search(row, out, re.MULTILINE)
    assert max(map(len, out.splitlines())) <= 80


def test_units_that_are_read_outside_of_layers_are_left_out(capsys: Capture) -> None:
    class Exposed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.into, self.inner = nn.Linear(36, 20), nn.Linear(20, 16)
            self.last = nn.Linear(16, CLASSES)

        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
            hidden = torch.relu(self.into(x.flatten(1)))
            return self.last(torch.relu(self.inner(hidden))), hidden

    torch.manual_seed(0)
    export(Exposed().eval(), "exposed.onnx")
    found = lesions(capsys, "exposed.onnx", *QUICK)
    assert found["left_out"] == {"into": "its units are read outside of the network's layers"}
    assert {lesion["layer"] for lesion in found["lesions"]} == {"inner"}


def _saved(**arrays: Any) -> Callable[[], None]:
    return lambda: np.savez("batch.npz", **arrays)


def _one_array() -> None:
    with Path("batch.npz").open("wb") as file:
        np.save(file, ONE)


ONE = np.zeros((6, 1, 6, 6), np.float32)
LABELS = np.arange(6) % CLASSES
BAD: list[tuple[Callable[[], Any], str]] = [
    (lambda: Path("batch.npz").unlink(), "batch.npz: no such file"),
    (lambda: Path("batch.npz").write_text("x,y\n1,2\n"), "cannot be read as a .npz archive"),
    (lambda: Path("batch.npz").write_bytes(b""), "cannot be read as a .npz archive"),
    (_one_array, "cannot be read as a .npz archive"),
    (_saved(x=ONE, y=LABELS), "has no `inputs` and no `labels` (it holds: x, y)"),
    (_saved(inputs=ONE), "has no `labels` (it holds: inputs)"),
    (_saved(labels=LABELS), "has no `inputs` (it holds: labels)"),
    (
        _saved(inputs=ONE, labels=LABELS[:4]),
        "`inputs` have the shape (6, 1, 6, 6) and `labels` (4,)",
    ),
    (_saved(inputs=ONE, labels=np.eye(6)), "and `labels` (6, 6): give"),
    (_saved(inputs=ONE[:0], labels=LABELS[:0]), "holds no samples"),
    (_saved(inputs=ONE, labels=LABELS - 1), "`labels` must be whole numbers from 0"),
    (_saved(inputs=ONE, labels=LABELS + 0.5), "`labels` must be whole numbers from 0"),
    (_saved(inputs=ONE, labels=LABELS.astype(str)), "`labels` are of type <U21: give numbers"),
    (_saved(inputs=ONE, labels=LABELS.astype(object)), "`labels` cannot be read"),
    (_saved(inputs=ONE * np.nan, labels=LABELS), "some of `inputs` are not finite"),
    (_saved(inputs=ONE, labels=LABELS + 1), "go up to 4, but the model tells 4 classes apart"),
    (_saved(inputs=np.zeros((6, 35)), labels=LABELS), "35"),
]


@pytest.mark.parametrize("arguments", [["mlp.onnx", *QUICK], MLP])
@pytest.mark.parametrize(("damage", "message"), BAD)
def test_bad_data_is_one_sentence(
    damage: Callable[[], Any], message: str, arguments: list[str], capsys: Capture
) -> None:
    damage()
    assert main(["clusters", *arguments, "--data", "batch.npz"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""


def test_a_pickle_in_the_data_is_not_loaded(capsys: Capture) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (Path("executed"),)

    inputs = np.array([Evil()] * 2, dtype=object)
    np.savez("batch.npz", inputs=inputs, labels=np.arange(2))
    assert main(["clusters", *MLP, "--data", "batch.npz"]) == 2
    assert "`inputs` cannot be read: give an array of numbers" in capsys.readouterr().err
    assert not Path("executed").exists()


def test_what_cannot_be_run_says_what_can(capsys: Capture) -> None:
    assert main(["clusters", "mlp.pt", *QUICK, "--data", "batch.npz"]) == 2
    assert "give --activation (relu, " in capsys.readouterr().err
    assert main(["clusters", "cnn.pt", *QUICK, "--data", "batch.npz"]) == 2
    assert "only multilayer perceptrons are run" in capsys.readouterr().err


def test_onnxruntime_is_asked_for(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    assert main(["clusters", "mlp.onnx", *QUICK, "--data", "batch.npz"]) == 2
    assert 'python -m pip install "modlint[onnxruntime]"' in capsys.readouterr().err
    assert main(["clusters", "mlp.onnx", *QUICK]) == 0


def test_operators_of_others_are_not_run(capsys: Capture) -> None:
    model = onnx.load("mlp.onnx")
    model.graph.node[-1].domain = "acme.custom"
    model.opset_import.append(onnx.helper.make_opsetid("acme.custom", 1))
    onnx.save(model, "custom.onnx")
    assert main(["clusters", "custom.onnx", *QUICK, "--data", "batch.npz"]) == 2
    assert "Traceback" not in capsys.readouterr().err


def test_several_inputs_are_too_many(capsys: Capture) -> None:
    model = onnx.load("mlp.onnx")
    more = onnx.helper.make_tensor_value_info("mask", onnx.TensorProto.FLOAT, [1])
    model.graph.input.append(more)
    onnx.save(model, "two.onnx")
    assert main(["clusters", "two.onnx", *QUICK, "--data", "batch.npz"]) == 2
    assert "two.onnx has 2 inputs (images, mask): lesions need one" in capsys.readouterr().err


def test_a_sequence_is_no_scores(capsys: Capture) -> None:
    model = onnx.load("mlp.onnx")
    (scores,) = model.graph.output
    node = onnx.helper.make_node("SequenceConstruct", [scores.name], ["all"])
    model.graph.node.append(node)
    kind = onnx.helper.make_tensor_type_proto(onnx.TensorProto.FLOAT, None)
    sequence = onnx.helper.make_sequence_type_proto(kind)
    model.graph.output.insert(0, onnx.helper.make_value_info("all", sequence))
    onnx.save(model, "sequence.onnx")
    assert main(["clusters", "sequence.onnx", *QUICK, "--data", "batch.npz"]) == 2
    assert "first output holds no scores" in capsys.readouterr().err


def test_weights_in_other_files_are_not_fetched(capsys: Capture) -> None:
    model = onnx.load("mlp.onnx")
    onnx.save(model, "split.onnx", save_as_external_data=True, size_threshold=0, location="w.bin")
    assert main(["clusters", "split.onnx", *QUICK, "--data", "batch.npz"]) == 2
    assert "its weights are in other files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"data": 3}, "data is a int"),
        ({"data": {"inputs": np.zeros((2, 36))}}, "data has no `labels`"),
        ({"data": "gone.npz"}, "gone.npz: no such file"),
        ({"data": {"inputs": np.zeros((2, 3)), "labels": np.arange(2)}}, "does not take `inputs`"),
        ({"activation": "swoosh"}, "activation is 'swoosh'"),
        ({"random_groups": 0}, "random_groups is 0"),
    ],
)
def test_in_python_bad_data_is_a_value_error(
    arguments: dict[str, Any], error: str, models: dict[str, nn.Sequential]
) -> None:
    with pytest.raises(ValueError, match=re.escape(error)):
        modlint.clusters(models["mlp"], clusters=3, shuffles=0, seeds=1, **arguments)


def test_a_module_that_gives_no_scores_is_refused() -> None:
    images, labels = samples(20)
    model = nn.Sequential(nn.Flatten(), nn.Linear(36, 20), nn.ReLU(), nn.Linear(20, 1))
    with pytest.raises(ValueError, match="lesions need a score for each of several classes"):
        modlint.clusters(
            model, clusters=3, shuffles=0, seeds=1, data={"inputs": images, "labels": labels}
        )
