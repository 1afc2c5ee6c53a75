"""A newcomer's ten minutes: README's nine steps run as they stand, in a fresh clone.

`pytest -s` prints how long each took. Everything is installed anew, so it needs what
`pip install .` needs.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from checkout import ROOT, copy_committed, git_environment
from ci.runner import run_action
from safetensors.numpy import load_file, save_file

from newcomer.steps import Ran, Shell, Step, steps

STEPS = steps()
TITLES = [
    "Install",
    "Lint",
    "Understand a finding",
    "Raise a threshold",
    "Accept a finding",
    "In pre-commit",
    "In CI",
    "From Python",
    "A rule of your own",
]
ALSO_SEEN = {
    3: "Why it is bad",
    6: "Passed",
}
"""By step, what a command prints of which README shows nothing."""


class Newcomer:
    """Takes the steps in order, each when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        outside = ("PYTHON", "VIRTUAL_ENV", "MODLINT", "FORCE_COLOR")
        environment = git_environment(
            COLUMNS="80",
            NO_COLOR="1",
            PIP_CONSTRAINT=str(ROOT / "constraints.txt"),
            PATH=os.pathsep.join([str(Path(sys.base_prefix) / "bin"), os.environ["PATH"]]),
            PRE_COMMIT_HOME=str(folder / "pre-commit"),
            XDG_CACHE_HOME=str(folder / "cache"),
        )
        environment = {k: v for k, v in environment.items() if not k.startswith(outside)}
        self.home = folder / "home"
        copy_committed(self.home / "modlint", environment)
        self.shell = Shell(self.home, environment)
        self._taken: list[list[Ran]] = []

    def at(self, number: int) -> list[Ran]:
        """What came of a step's commands, after those of all before it."""
        while len(self._taken) < number:
            step = STEPS[len(self._taken)]
            ran = list(self.shell.take(step))
            self._taken.append(ran)
            took = sum(one.seconds for one in ran)
            sys.stdout.write(f"{step.number}. {step.title}: {took:.1f} s\n")
        return self._taken[number - 1]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    return Newcomer(tmp_path_factory.mktemp("newcomer"))


@pytest.fixture
def skeleton(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Lines without their numbers, as the check of README compares them."""
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("documented").skeleton


def test_they_are_the_nine_steps() -> None:
    assert [step.title for step in STEPS] == TITLES
    assert [step.number for step in STEPS] == list(range(1, 10))


@pytest.mark.parametrize("step", STEPS, ids=lambda step: step.title)
def test_a_step_does_what_readme_says(step: Step, newcomer: Newcomer, skeleton: Any) -> None:
    for ran in newcomer.at(step.number):
        fails = ran.shown is not None and "exit code 1" in ran.shown
        assert ran.code == int(fails), f"{ran.command}\n{ran.printed}{ran.said}"
        assert "Traceback" not in ran.said
        if ran.shown is not None:
            assert skeleton(ran.printed) == skeleton(ran.shown), ran.command
    for block in step.blocks:
        if block.mark == "excerpt":
            assert block.text in (newcomer.shell.folder / str(block.name)).read_text()
    if step.number in ALSO_SEEN:
        seen = "".join(ran.printed + ran.said for ran in newcomer.at(step.number))
        assert ALSO_SEEN[step.number] in seen


def test_what_is_installed_is_no_part_of_the_clone(newcomer: Newcomer) -> None:
    newcomer.at(1)
    ran = newcomer.shell.run("python -P -c 'import modlint; print(modlint.__file__)'")
    assert ran.printed.startswith(str(newcomer.home / "venv")), ran.said


def test_a_commit_that_adds_a_finding_is_refused(newcomer: Newcomer) -> None:
    newcomer.at(6)
    weights = load_file(newcomer.shell.folder / "models" / "healthy.safetensors")
    weights["layers.0.weight"][0, 0] = np.inf
    path = newcomer.shell.folder / "models" / "new.safetensors"
    save_file(weights, path, {"format": "pt"})
    refused = newcomer.shell.run("git add models/new.safetensors && git commit -m new")
    assert refused.code == 1
    assert "NUM001" in refused.printed + refused.said
    newcomer.shell.run("git reset --quiet && rm models/new.safetensors")


def test_the_workflow_passes_and_then_annotates_what_is_new(newcomer: Newcomer) -> None:
    newcomer.at(7)
    project = newcomer.shell.folder
    workflow = yaml.safe_load((project / ".github" / "workflows" / "modlint.yml").read_text())
    (inputs,) = [s["with"] for s in workflow["jobs"]["modlint"]["steps"] if "modlint@" in s["uses"]]
    kept = {"PYTHONPATH": "", "XDG_CACHE_HOME": newcomer.shell.environment["XDG_CACHE_HOME"]}
    action = newcomer.home / "modlint"
    passed = run_action(project, kept, action, **inputs)
    assert passed.code == 0, passed.printed
    failed = run_action(project, kept, action, **inputs, args="--isolated")
    assert failed.code == 1, failed.printed
    (error,) = [command for command in failed.commands if command.startswith("::error")]
    assert "NUM001" in error
