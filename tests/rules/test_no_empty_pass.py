"""No rule passes what it did not look at: a file without its subject, or out of its reach."""

from __future__ import annotations

import itertools
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import torch
from rule_cases import verdicts

from modlint.engine.registry import load_registry
from modlint.verdict import Outcome

REGISTRY = load_registry()
Writer = Callable[[Path], Path]


def saved(content: object, name: str = "model.pt") -> Writer:
    def write(folder: Path) -> Path:
        torch.save(content, folder / name)
        return folder / name

    return write


def mlp(*sizes: int) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    layers = [torch.nn.Linear(m, n) for m, n in itertools.pairwise(sizes)]
    return torch.nn.Sequential(*layers).state_dict()


def bert() -> dict[str, torch.Tensor]:
    """A block of BERT's names, its units in two halves that no weight joins."""
    half = torch.block_diag(torch.ones(8, 8), torch.ones(8, 8))
    attention, output = "attention.self", "attention.output"
    parts = {
        f"{attention}.{p}.weight": half * torch.rand(16, 16) for p in ("query", "key", "value")
    }
    parts |= {f"{n}.dense.weight": half.clone() for n in (output, "intermediate", "output")}
    for norm in (f"{output}.LayerNorm", "output.LayerNorm"):
        parts |= {f"{norm}.weight": torch.ones(16), f"{norm}.bias": torch.zeros(16)}
    blocks = {f"layer.{i}.{name}": tensor for i in range(2) for name, tensor in parts.items()}
    embedding = {f"embeddings.LayerNorm.{p}": torch.ones(16) for p in ("weight", "bias")}
    return embedding | {f"encoder.{name}": tensor for name, tensor in blocks.items()}


def without_last_storage(folder: Path) -> Path:
    """A network of which one tensor's bytes are not in the archive."""
    torch.save(mlp(60, 50, 40, 30), folder / "whole.pt")
    whole, lost = zipfile.ZipFile(folder / "whole.pt"), zipfile.ZipFile(folder / "model.pt", "w")
    with whole, lost:
        for entry in whole.infolist():
            if not entry.filename.endswith("data/5"):
                lost.writestr(entry, whole.read(entry))
    (folder / "whole.pt").unlink()
    return folder / "model.pt"


def without_a_shard(folder: Path) -> Path:
    """An index of shards that are not there."""
    (folder / "model.safetensors.index.json").write_text(
        '{"metadata": {}, "weight_map": {"w": "model-00001-of-00001.safetensors"}}'
    )
    return folder / "model.safetensors.index.json"


NOTHING = saved({"epoch": 3})
ONE_LAYER = saved(mlp(8, 3))

WITHOUT_SUBJECT: Mapping[str, Writer] = {
    "CLU": NOTHING,
    "COV": NOTHING,
    "FMT": NOTHING,
    "GRF": NOTHING,
    "NEU": NOTHING,
    "NUM": NOTHING,
    "SPC": NOTHING,
    "STG": NOTHING,
    "STR": NOTHING,
    "TRN": NOTHING,
    "CLU003": ONE_LAYER,
    "CLU005": saved(bert()),
    "NEU001": ONE_LAYER,
    "NEU002": ONE_LAYER,
    "NEU004": ONE_LAYER,
    "NEU005": ONE_LAYER,
    "NEU006": ONE_LAYER,
    "NEU007": ONE_LAYER,
    "SPC001": ONE_LAYER,
    "SPC003": ONE_LAYER,
    "SPC007": ONE_LAYER,
    "SPC008": ONE_LAYER,
    "STG001": ONE_LAYER,
    "STR002": ONE_LAYER,
    "TRN001": ONE_LAYER,
    "TRN002": ONE_LAYER,
    "TRN004": ONE_LAYER,
    "TRN007": ONE_LAYER,
}
"""By family or code, a file that lacks what the rule is about."""

OF_ANY_FILE = {
    "FMT001": "a file is read",
    "FMT002": "a file is a pointer or not",
    "FMT012": "a file that was read is in a container",
    "FMT013": "a file that was read has names or none twice",
    "SEC": "loading a file is harmless or not: its bytes are searched whatever it is",
}
"""Rules whose subject every file has, and what it is."""

KNOWN_BY_THE_CONTAINER = {"FMT001", "FMT002", "FMT012", "FMT014"}
"""Rules that a file which is read in part lets judge."""


def outcomes(code: str, path: Path) -> set[Outcome]:
    rule = REGISTRY.rules[code]
    return {verdict.outcome for verdict in verdicts(path, REGISTRY, rule.name)}


def writers(code: str) -> list[Writer]:
    return [write for prefix, write in WITHOUT_SUBJECT.items() if code.startswith(prefix)]


@pytest.mark.parametrize("code", REGISTRY.rules)
def test_a_file_without_its_subject_is_not_passed(code: str, tmp_path: Path) -> None:
    if code.startswith(tuple(OF_ANY_FILE)) or REGISTRY.rules[code].load().needs_reference:
        return
    assert writers(code), f"{code}: give a file without its subject, or say that all have it"
    for number, write in enumerate(writers(code)):
        (tmp_path / str(number)).mkdir()
        path = write(tmp_path / str(number))
        found = outcomes(code, path)
        assert found, path
        assert Outcome.PASS not in found, path


@pytest.mark.parametrize("write", [without_last_storage, without_a_shard])
@pytest.mark.parametrize("code", REGISTRY.rules)
def test_a_file_of_which_a_part_is_missing_is_not_passed(
    code: str, write: Writer, tmp_path: Path
) -> None:
    if code not in KNOWN_BY_THE_CONTAINER:
        assert Outcome.PASS not in outcomes(code, write(tmp_path))


OF_VALUES = ("CLU", "NEU002", "NEU006", "NEU007", "NUM", "SPC")
MEASURING = [code for code in REGISTRY.rules if code.startswith(OF_VALUES)]


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("code", MEASURING)
def test_what_no_analysis_could_measure_is_not_passed(code: str, tmp_path: Path) -> None:
    """Networks of weights that are NaN, and a tensor whose elements are not computed with."""
    state = {f"{i}.weight": torch.full((40, 40), torch.nan) for i in range(3)}
    if code == "NUM001":
        state = {"w": torch.quantize_per_tensor(torch.ones(4, 4), 0.1, 0, torch.quint8)}
    if not REGISTRY.rules[code].load().needs_reference:
        assert Outcome.PASS not in outcomes(code, saved(state)(tmp_path))
