"""What cannot be checked is refused by TypeError or ValueError: what it is, where, what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_type_hints

import msgspec
import numpy as np
import pytest
import torch
from torch import nn

import modlint
from modlint.api.keywords import Keywords
from modlint.settings.config import Settings

WEIGHTS = {"fc.weight": np.ones((4, 3), dtype=np.float32)}

NO_SUBJECT: list[tuple[Any, type[Exception], str]] = [
    (None, TypeError, r"None \(NoneType\) cannot be checked: give a path"),
    (3, TypeError, r"3 \(int\) cannot be checked"),
    (b"model.pt", TypeError, "cannot be checked"),
    ([], ValueError, "no paths in the list"),
    (["a.pt", 3], TypeError, r"item 1 is 3 \(int\), not a path"),
    ([torch.ones(2)], TypeError, r"item 0 is .*, not a path"),
    (torch.ones(3), TypeError, "a Tensor alone has no name: give a mapping"),
    (np.ones(3), TypeError, "a ndarray alone has no name"),
    ("", ValueError, "the path is empty"),
    ("no/such.pt", FileNotFoundError, r"no/such\.pt: no such file or folder"),
    ("no/such.pt", ValueError, "no such file"),
    ({}, ValueError, "the dict holds no tensor"),
    ({"epoch": 3}, ValueError, "holds no tensor"),
    ({0: torch.ones(2)}, TypeError, "a key is 0, not a string"),
    ({"optimizer": {"state": {0: torch.ones(1)}}}, TypeError, r"of 'optimizer\.state' is 0"),
    ({"w": torch.ones(2), "groups": [1]}, TypeError, "'groups' is a list, not a tensor"),
    (nn.ReLU(), ValueError, "ReLU has no parameters and no buffers"),
    (torch.optim.SGD(nn.Linear(2, 2).parameters()), TypeError, "a SGD cannot be checked"),
]


@pytest.mark.parametrize("call", [modlint.check, modlint.inspect, modlint.clusters])
@pytest.mark.parametrize(("x", "error", "text"), NO_SUBJECT)
def test_what_cannot_be_checked(call: Any, x: Any, error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        call(x)


NO_SETTING: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"selct": "CLU"}, TypeError, "no setting `selct`; did you mean `select`"),
    ({"select": "XYZ"}, ValueError, "unknown rule selector `XYZ`"),
    ({"select": "NEU02"}, ValueError, "did you mean `NEU002`"),
    ({"select": []}, ValueError, "no rule is selected"),
    ({"select": 3}, ValueError, "select: expected a list"),
    ({"fail_on": "fatal"}, ValueError, "fail_on: invalid enum value 'fatal'"),
    ({"seed": -1}, ValueError, "seed: expected `int` >= 0"),
    ({"rules": {"no-such": {}}}, ValueError, r"rules\.no-such: unknown rule"),
    ({"rules": {"CLU001": {"shufles": 3}}}, ValueError, "did you mean `shuffles`"),
    ({"rules": {"CLU001": {"shuffles": "many"}}}, ValueError, "not-clusterable: expected `int`"),
    ({"rules": {"CLU001": 3}}, ValueError, "rules"),
    ({"config": "no-such.toml"}, ValueError, "no-such.toml: cannot be read"),
]


@pytest.mark.parametrize(("settings", "error", "text"), NO_SETTING)
def test_what_is_no_setting(settings: dict[str, Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=text):
        modlint.check(WEIGHTS, **settings)


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without CUDA")
def test_a_device_that_is_not_there() -> None:
    with pytest.raises(ValueError, match=r"^device cuda: "):
        modlint.check(WEIGHTS, select="NUM", device="cuda")
    with pytest.raises(ValueError, match=r"^device cuda: "):
        modlint.clusters(nn.Sequential(nn.Linear(9, 9), nn.Linear(9, 9)), clusters=2, device="cuda")


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    damaged = tmp_path / "model.pt"
    damaged.write_bytes(b"PK\x03\x04 no archive")
    assert {v.rule for v in modlint.check(damaged).findings} >= {"FMT001"}
    assert modlint.inspect(damaged).faults
    with pytest.raises(ValueError, match=r"model\.pt: cannot wholly be read"):
        modlint.clusters(damaged)
    for call in (modlint.inspect, modlint.clusters):
        with pytest.raises(ValueError, match="is a folder: give one of its files"):
            call(tmp_path)
        with pytest.raises(TypeError, match="2 paths are given"):
            call([damaged, damaged])


def test_arguments_of_clusters_have_their_range() -> None:
    module = nn.Sequential(nn.Linear(9, 9), nn.Linear(9, 9))
    with pytest.raises(ValueError, match="clusters is 1: give 2 or more"):
        modlint.clusters(module, clusters=1)
    with pytest.raises(TypeError, match="shuffles is 'many': give a whole number"):
        modlint.clusters(module, shuffles="many")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="there is no network 'x'; the networks are: '0'"):
        modlint.clusters(module, network="x")


def test_keywords_are_the_settings() -> None:
    settings = {field.name for field in msgspec.structs.fields(Settings)}
    assert set(get_type_hints(Keywords)) == settings | {"config"}
