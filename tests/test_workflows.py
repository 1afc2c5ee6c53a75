"""The workflows: valid, without findings of zizmor, and doing what docs/releasing.md says."""

from __future__ import annotations

import importlib
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / ".github" / "workflows"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
MENTIONED = "echo ${{ github.event.head_commit.message }}"


def workflow(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yml").read_text("utf-8"))
    return loaded


CI = workflow("ci")["jobs"]["everything"]
BUILD, PUBLISH = workflow("release")["jobs"].values()


def zizmor(*paths: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("zizmor"), "--offline", "--no-progress"]
    return subprocess.run(
        [*command, "--persona", "auditor", *paths], capture_output=True, text=True
    )


def valid(schema: str, *paths: Path) -> subprocess.CompletedProcess[str]:
    command = [Path(sys.executable).with_name("check-jsonschema"), "--builtin-schema", schema]
    return subprocess.run([*command, *paths], capture_output=True, text=True)


@pytest.mark.parametrize(
    ("schema", "paths"),
    [
        ("vendor.github-workflows", sorted(FOLDER.glob("*.yml"))),
        ("vendor.github-actions", [ROOT / "action.yml"]),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
    ],
)
def test_they_are_valid(schema: str, paths: list[Path], tmp_path: Path) -> None:
    done = valid(schema, *paths)
    assert done.returncode == 0, done.stdout
    wrong = tmp_path / paths[0].name
    wrong.write_text(paths[0].read_text("utf-8") + "\nunheard-of: 1\njobs: []\nruns: []\n")
    assert valid(schema, wrong).returncode == 1


def test_zizmor_finds_nothing() -> None:
    done = zizmor(*sorted(FOLDER.glob("*.yml")), ROOT / "action.yml", FOLDER.parent)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("text", "spoiled"),
    [
        ("run: .ci/run", f"run: {MENTIONED}"),
        (re.search(r"checkout@\w{40}", (FOLDER / "ci.yml").read_text())[0], "checkout@v4"),  # type: ignore[index]
        ("permissions: {}", "permissions: write-all"),
    ],
)
def test_zizmor_would_find(text: str, spoiled: str, tmp_path: Path) -> None:
    path = tmp_path / ".github" / "workflows" / "ci.yml"
    path.parent.mkdir(parents=True)
    whole = (FOLDER / "ci.yml").read_text("utf-8")
    assert text in whole
    path.write_text(whole.replace(text, spoiled))
    assert zizmor(path).returncode > 0


def test_ci_runs_everything_on_each_python_that_is_claimed() -> None:
    assert [step["run"] for step in CI["steps"] if "run" in step] == [".ci/run"]
    pattern = re.compile(r"Programming Language :: Python :: (3\.\d+)")
    claimed = [found[1] for c in PROJECT["classifiers"] if (found := pattern.fullmatch(c))]
    assert CI["strategy"]["matrix"]["python"] == claimed
    assert PROJECT["requires-python"] == f">={claimed[0]}"


def test_only_the_job_that_uploads_may_ask_for_a_token() -> None:
    assert workflow("release")["permissions"] == workflow("ci")["permissions"] == {}
    assert PUBLISH["permissions"] == {"id-token": "write"}
    assert BUILD["permissions"] == CI["permissions"] == {"contents": "read"}
    used = [step["uses"].partition("@")[0] for step in PUBLISH["steps"]]
    assert used == ["actions/download-artifact", "pypa/gh-action-pypi-publish"]


def test_what_was_built_is_what_is_uploaded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    release = importlib.import_module("release")
    kept = {s["with"]["name"]: s["with"]["path"] for s in BUILD["steps"] if "upload" in str(s)}
    assert kept == {name: f"dist/{name}" for name in release.PUBLISHED}
    assert PUBLISH["strategy"]["matrix"] == {"distribution": list(release.PUBLISHED)}
    assert PUBLISH["needs"] == "build"
    taken, uploaded = (step["with"] for step in PUBLISH["steps"])
    assert taken["path"] == uploaded["packages-dir"]


@pytest.mark.parametrize("tag", ["", "v0.2.0", "v1; touch CANARY"])
def test_the_tag_is_one_argument(tag: str, tmp_path: Path) -> None:
    (command,) = (step["run"] for step in BUILD["steps"] if "TAG" in step.get("env", {}))
    stub = tmp_path / "python"
    stub.write_text(f"#!{sys.executable}\nimport sys\nprint(sys.argv[1:])\n")
    stub.chmod(0o755)
    bash = shutil.which("bash")
    assert bash is not None
    environment = {"PATH": str(tmp_path), "TAG": tag}
    shell = [bash, "--noprofile", "--norc", "-eo", "pipefail", "-c", command]
    done = subprocess.run(shell, env=environment, cwd=tmp_path, capture_output=True, text=True)
    given = ["scripts/release.py", "--dist", "dist", "--tests", "all"]
    assert done.stdout.strip() == str([*given, "--tag", tag] if tag else given)
    assert not (tmp_path / "CANARY").exists()
