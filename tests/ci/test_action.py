"""The GitHub Action: its steps, run as the runner runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
import yaml

from ci.project import recipe, write_weights
from ci.runner import ACTION, EXPRESSION, ROOT, run_action
from modlint import __version__

DOCS = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
INSTALLED = {"version": "installed", "python": sys.executable}
"""Runs the modlint that runs these tests."""


def workflow() -> dict[str, object]:
    """The workflow that the page tells users to write."""
    loaded: dict[str, object] = yaml.safe_load(recipe(ROOT / "docs" / "ci.md", "github"))
    return loaded


def test_no_input_stands_within_a_program() -> None:
    for step in ACTION["runs"]["steps"]:
        assert "${{" not in step["run"]
        known = {f"inputs.{name}" for name in ACTION["inputs"]} | {"github.action_path"}
        assert {name for text in step["env"].values() for name in EXPRESSION.findall(text)} <= known
    used = {
        v for s in ACTION["runs"]["steps"] for t in s["env"].values() for v in EXPRESSION.findall(t)
    }
    assert used >= {f"inputs.{name}" for name in ACTION["inputs"]}, "an input that does nothing"


def test_findings_are_annotations_and_fail_the_step(workspace: Path) -> None:
    ran = run_action(workspace, paths="models", **INSTALLED)
    assert ran.code == 1, ran.printed
    (error,) = [command for command in ran.commands if command.startswith("::error")]
    assert "file=models/diverged.safetensors" in error
    assert "NUM001" in error
    assert "NUM001" in ran.summary
    assert ran.outputs == {"exit-code": "1", "sarif": "", "markdown": ""}


def test_a_healthy_project_passes(workspace: Path) -> None:
    (workspace / "models" / "diverged.safetensors").unlink()
    ran = run_action(workspace, **INSTALLED)
    assert ran.code == 0, ran.printed
    assert not [command for command in ran.commands if command.startswith("::error")]
    assert ran.outputs["exit-code"] == "0"
    assert "no findings" in ran.printed
    assert "None" not in ran.printed + ran.summary


def test_files_are_written_and_named_though_the_step_fails(workspace: Path) -> None:
    (workspace / "out put").mkdir()
    inputs = {"paths": "models", "sarif": "out put/modlint.sarif", "markdown": "comment.md"}
    ran = run_action(workspace, **inputs, **INSTALLED)
    assert ran.code == 1
    assert ran.outputs == {
        "exit-code": "1",
        "sarif": "out put/modlint.sarif",
        "markdown": "comment.md",
    }
    sarif = json.loads((workspace / "out put" / "modlint.sarif").read_text())
    assert "NUM001" in {result["ruleId"] for result in sarif["runs"][0]["results"]}
    assert "NUM001" in (workspace / "comment.md").read_text()


def test_inputs_steer_the_check(workspace: Path) -> None:
    def code(**inputs: str) -> int:
        return run_action(workspace, **({"paths": "models"} | inputs), **INSTALLED).code

    assert code(fail_on="never") == 0
    assert code(profile="safety") == 0
    assert code(args="--ignore\nNUM001\n") == 0
    assert code(paths="models/healthy.safetensors\nmodels/diverged.safetensors") == 1
    assert code(paths="\n  models/healthy.safetensors  \n\n") == 0
    (workspace / "lint.toml").write_text('ignore = ["NUM001"]\n')
    assert code(config="lint.toml") == 0
    assert code(config="nothing.toml") == 2
    assert code(profile="speed") == 2


def test_a_path_with_blanks_or_dashes_is_one_path(workspace: Path) -> None:
    write_weights(workspace / "--fail-on=never", nan=True)
    write_weights(workspace / "my model.safetensors", nan=True)
    for path in ("--fail-on=never", "my model.safetensors"):
        ran = run_action(workspace, paths=path, **INSTALLED)
        assert ran.code == 1, ran.printed
        assert "NUM001" in ran.printed


PROGRAMS = (
    "; touch CANARY;",
    '"; touch CANARY; "',
    "'; touch CANARY; '",
    "$(touch CANARY)",
    "`touch CANARY`",
    "&& touch CANARY",
    "| tee CANARY",
    "> CANARY",
    "\ntouch CANARY\n",
    "x\nexit-code=0\nsarif=CANARY",
    "${{ github.token }}",
)


@pytest.mark.parametrize("name", [name for name in ACTION["inputs"] if name != "args"])
def test_what_stands_in_an_input_is_no_program(workspace: Path, name: str) -> None:
    before = set(workspace.rglob("*"))
    allowed = {"sarif", "markdown"} & {name}
    for program in ("".join(p for p in PROGRAMS if "\n" not in p), "".join(PROGRAMS)):
        inputs = {
            **INSTALLED,
            "paths": "models/healthy.safetensors",
            name.replace("-", "_"): program,
        }
        ran = run_action(workspace, **inputs)
        assert ran.code in (0, 1, 2, 126, 127), ran.printed
        assert ran.outputs["exit-code"] in ("", str(ran.code))
        assert "CANARY" not in ran.outputs["sarif"] or name == "sarif"
        made = {path.name for path in set(workspace.rglob("*")) - before}
        assert "CANARY" not in made
        assert not made or allowed, f"{name} made {made}"
        if name not in ("sarif", "markdown"):
            assert ran.code, f"{name} was accepted"


def test_arguments_are_no_program_either(workspace: Path) -> None:
    ran = run_action(workspace, paths="models", args="".join(PROGRAMS), **INSTALLED)
    assert ran.code == 2
    assert not list(workspace.rglob("CANARY"))
    ran = run_action(workspace, paths="models", args="--exclude\n$(touch CANARY)", **INSTALLED)
    assert ran.code == 1
    assert not list(workspace.rglob("CANARY"))


@pytest.fixture
def offline(tmp_path: Path) -> dict[str, str]:
    """Has pip take what it needs from this environment, where modlint's dependencies are.

    The packages of this environment but modlint itself are links in a folder of their own.
    """
    folder = tmp_path / "dependencies"
    folder.mkdir()
    for path in Path(sysconfig.get_paths()["purelib"]).iterdir():
        if "modlint" not in path.name:
            (folder / path.name).symlink_to(path)
    return {
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of `build isolation`
        "PIP_CONFIG_FILE": os.devnull,
        "PYTHONPATH": str(folder),
    }


def test_it_installs_the_modlint_of_its_own_checkout(
    workspace: Path, offline: dict[str, str]
) -> None:
    ran = run_action(workspace, offline, paths="models", python=sys.executable)
    assert ran.code == 1, ran.printed
    assert "NUM001" in ran.printed
    assert installed(workspace, offline).startswith(str(workspace.parent / "runner"))


def test_it_installs_the_version_that_is_named(
    workspace: Path, offline: dict[str, str], tmp_path: Path
) -> None:
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "index"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    found = offline | {"PIP_FIND_LINKS": str(tmp_path / "index")}
    ran = run_action(workspace, found, paths="models", version=__version__, python=sys.executable)
    assert ran.code == 1, ran.printed
    assert "NUM001" in ran.printed
    ran = run_action(workspace, found, paths="models", version="99.9", python=sys.executable)
    assert ran.code == 1
    assert "99.9" in ran.printed
    assert ran.outputs["exit-code"] == ""


def installed(workspace: Path, environment: dict[str, str]) -> str:
    python = workspace.parent / "runner" / "modlint-environment" / "bin" / "python"
    command = [python, "-P", "-c", "import modlint; print(modlint.__file__)"]
    done = subprocess.run(
        command, env=os.environ | environment, capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"version": "1.0 --index-url=https://example.org"}, "is no version"),
        ({"version": "1.0", "extras": "torch] @ https://example.org"}, "are no names"),
        ({"version": "a\nb"}, "is not one line of text"),
    ],
)
def test_what_is_no_version_is_refused(workspace: Path, inputs: dict[str, str], said: str) -> None:
    ran = run_action(workspace, python=sys.executable, **inputs)
    assert ran.code == 2
    (error,) = ran.commands
    assert error.startswith("::error title=modlint::")
    assert said in error


def test_the_documented_workflow_is_right(workspace: Path) -> None:
    jobs = workflow()["jobs"]
    assert isinstance(jobs, dict)
    steps = jobs["modlint"]["steps"]
    (step,) = [step for step in steps if "modlint@" in step.get("uses", "")]
    assert set(step["with"]) <= set(ACTION["inputs"])
    inputs = {name.replace("-", "_"): str(value) for name, value in step["with"].items()}
    ran = run_action(workspace, **inputs, **INSTALLED)
    assert ran.code == 1
    text = recipe(ROOT / "docs" / "ci.md", "github")
    used = {n for n in EXPRESSION.findall(text) if n.startswith(f"steps.{step['id']}.outputs.")}
    names = {name.rpartition(".")[2] for name in used}
    assert names == {"sarif", "markdown"}
    assert all((workspace / ran.outputs[name]).is_file() for name in names)
    assert all("${{" not in step.get("run", "") for step in steps)


def test_every_input_and_output_is_documented() -> None:
    for name in (*ACTION["inputs"], *ACTION["outputs"]):
        assert f"| `{name}` |" in DOCS, name
