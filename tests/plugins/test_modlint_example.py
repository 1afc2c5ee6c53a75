"""The example plugin, installed as its own distribution: its rule, reader and reporter run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

PLUGIN = Path(__file__).resolve().parents[2] / "plugins" / "modlint-example"
SPREAD = {"shape": [2, 2], "data": [-1.0, 1.0, -2.0, 2.0]}
ONE_SIDED = {"shape": [2, 2], "data": [1.0, 2.0, 3.0, 4.0]}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the installed plugin and nothing else."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "-qq", "--no-deps"]
    done = subprocess.run([*install, "--target", folder, PLUGIN], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder


def modlint(
    site: Path, *arguments: str | Path, **environment: str
) -> subprocess.CompletedProcess[str]:
    places = [str(site), *filter(None, [os.environ.get("PYTHONPATH")])]
    return subprocess.run(
        [sys.executable, "-m", "modlint", *arguments],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(places)} | environment,
    )


def write(folder: Path, tensors: Any, name: str = "model.json") -> Path:
    path = folder / name
    path.write_text(json.dumps({"format": "tinyjson/1", "tensors": tensors}))
    return path


def check(site: Path, *arguments: str | Path, select: str) -> list[dict[str, Any]]:
    flags = ("--isolated", "--output-format", "json", "--select", select)
    done = modlint(site, "check", *flags, *arguments)
    assert done.stderr == ""
    files: list[dict[str, Any]] = json.loads(done.stdout)["files"]
    return files


def test_everything_it_offers_is_listed(site: Path) -> None:
    listed = modlint(site, "plugins").stdout
    assert "modlint_example" in listed
    assert all(name in listed for name in ("tinyjson", "counts"))
    assert "EXA001" in modlint(site, "rules").stdout
    assert modlint(site, "rule", "EXA001").stdout.startswith("EXA001 off-centre")


def test_it_can_be_turned_off(site: Path) -> None:
    listed = modlint(site, "rules", MODLINT_DISABLE_PLUGINS="modlint-example").stdout
    assert "NUM001" in listed
    assert "EXA001" not in listed


def test_reader_gives_the_values_to_modlints_own_rules(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path, {"w": {"shape": [1, 3], "data": [0.5, None, 1e300]}})
    (file,) = check(site, path, select="NUM001")
    assert (file["status"], file["format"], file["parameters"]) == ("checked", "tinyjson", 3)
    (verdict,) = file["verdicts"]
    assert verdict["outcome"] == "fail"
    assert verdict["target"]["name"] == "w"


def test_reader_reads_members_of_archives_too(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path, {"w": {"shape": [1, 2], "data": [0.5, None]}})
    with tarfile.open(tmp_path / "models.tar", "w") as archive:
        archive.add(path, "inner/model.json")
    (file,) = check(site, tmp_path / "models.tar", select="NUM001")
    assert (file["status"], file["tensors"]) == ("checked", 1)
    (verdict,) = file["verdicts"]
    assert (verdict["outcome"], verdict["target"]["name"]) == ("fail", "inner/model.json!w")


def test_reader_says_what_is_wrong(site: Path, tmp_path: Path) -> None:
    wrong = {
        "w has 1 elements, its shape wants 4": {"w": {"shape": [2, 2], "data": [1.0]}},
        "shape[0]": {"w": {"shape": [-1], "data": []}},
        "data[0]": {"w": {"shape": [1], "data": ["x"]}},
        "$.tensors": [],
    }
    paths = [write(tmp_path, tensors, f"{i}.json") for i, tensors in enumerate(wrong.values())]
    files = check(site, *paths, select="FMT001")
    for file, part in zip(files, wrong, strict=True):
        assert file["status"] == "unreadable"
        (verdict,) = file["verdicts"]
        assert part in verdict["message"]


def test_rule_judges_by_its_option(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path, {"spread": SPREAD, "one-sided": ONE_SIDED})
    (file,) = check(site, path, select="EXA001")
    spread, one_sided = file["verdicts"]
    assert (spread["outcome"], one_sided["outcome"]) == ("pass", "fail")
    assert spread["values"]["ratio"] == 0
    assert one_sided["values"]["ratio"] == pytest.approx(2.5 / 1.25**0.5)
    (file,) = check(site, path, "--config", "rules.off-centre.max-ratio=3", select="EXA001")
    assert [verdict["outcome"] for verdict in file["verdicts"]] == ["pass", "pass"]


def test_rule_judges_every_matrix_and_says_where_there_is_none(site: Path, tmp_path: Path) -> None:
    tensors = {
        "bias": {"shape": [2], "data": [1.0, 2.0]},
        "constant": {"shape": [2, 1], "data": [1.0, 1.0]},
        "zero": {"shape": [2, 2], "data": [0.0, 0.0, 0.0, 0.0]},
        "unset": {"shape": [2, 1], "data": [None, None]},
    }
    (file,) = check(site, write(tmp_path, tensors), select="EXA001")
    outcomes = {verdict["target"]["name"]: verdict["outcome"] for verdict in file["verdicts"]}
    assert outcomes == {"constant": "fail", "zero": "pass", "unset": "inconclusive"}
    path = write(tmp_path, {"bias": tensors["bias"]}, "bias.json")
    (verdict,) = check(site, path, select="EXA001")[0]["verdicts"]
    assert (verdict["outcome"], verdict["message"]) == (
        "not-applicable",
        "no weight of two or more axes",
    )


def test_reporter_counts(site: Path, tmp_path: Path) -> None:
    path = write(tmp_path, {"v": SPREAD, "w": ONE_SIDED})
    counts = ("check", "--isolated", "--select", "EXA001", "--output-format", "counts")
    shown = modlint(site, *counts, path)
    assert shown.stdout == f"{path}: 0 error, 0 warning, 1 note, 0 inconclusive, 1 passed\n"
    assert shown.returncode == 0
    quiet = modlint(site, *counts, "--min-severity", "warning", "--fail-on", "note", path)
    assert quiet.stdout == f"{path}: 0 error, 0 warning, 0 note, 0 inconclusive, 1 passed\n"
    assert quiet.returncode == 1
