"""Runs a composite action's steps as GitHub's runner does, as far as action.yml uses it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

ROOT = Path(__file__).resolve().parents[2]
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
EXPRESSION = re.compile(r"\$\{\{ *(\S+?) *\}\}")


class Ran(Struct):
    """What came of the steps: the last exit code, all that was printed, outputs, summary."""

    code: int
    printed: str
    outputs: dict[str, str]
    summary: str

    @property
    def commands(self) -> list[str]:
        """The workflow commands that were printed."""
        return [line for line in self.printed.splitlines() if line.startswith("::")]


def run_action(
    workspace: Path,
    environment: Mapping[str, str] | None = None,
    action: Path = ROOT,
    **inputs: str,
) -> Ran:
    """Run the steps in turn until one fails.

    Args:
        workspace: the project that is checked.
        environment: variables beside those of the runner.
        action: the folder that holds the action.
        **inputs: of the action, dashes as underscores.
    """
    given = {name: str(about.get("default", "")) for name, about in ACTION["inputs"].items()}
    given |= {name.replace("_", "-"): value for name, value in inputs.items()}
    assert set(given) == set(ACTION["inputs"])
    temp = workspace.parent / "runner"
    temp.mkdir(exist_ok=True)
    context = {f"inputs.{name}": value for name, value in given.items()}
    context["github.action_path"] = str(action)
    ran = Ran(0, "", {}, "")
    for index, step in enumerate(ACTION["runs"]["steps"]):
        files = {name: temp / f"{index}-{name}" for name in ("output", "summary")}
        for file in files.values():
            file.write_text("")
        variables = {name: _evaluated(text, context) for name, text in step["env"].items()}
        done = _run(step, workspace, temp, files, {**(environment or {}), **variables})
        ran.code = done.returncode
        ran.printed += done.stdout + done.stderr
        ran.summary += files["summary"].read_text()
        outputs = _outputs(files["output"].read_text())
        context |= {f"steps.{step.get('id')}.outputs.{name}": v for name, v in outputs.items()}
        if ran.code:
            break
    declared = ACTION["outputs"].items()
    ran.outputs = {name: _evaluated(about["value"], context) for name, about in declared}
    return ran


def _run(
    step: Mapping[str, Any],
    workspace: Path,
    temp: Path,
    files: Mapping[str, Path],
    variables: Mapping[str, str],
) -> subprocess.CompletedProcess[str]:
    """A step of `shell: bash`, by the command that GitHub documents for it."""
    assert step["shell"] == "bash"
    script = temp / "script.sh"
    script.write_text(step["run"])
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "MODLINT_"))}
    runner = {
        "CI": "true",
        "GITHUB_ACTIONS": "true",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": str(files["output"]),
        "GITHUB_STEP_SUMMARY": str(files["summary"]),
        "RUNNER_TEMP": str(temp),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), kept["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", script],
        cwd=workspace,
        env={**kept, **runner, **variables},
        capture_output=True,
        text=True,
    )


def _evaluated(text: str, context: Mapping[str, str]) -> str:
    return EXPRESSION.sub(lambda found: context.get(found[1], ""), text)


def _outputs(text: str) -> dict[str, str]:
    """What a step wrote into GITHUB_OUTPUT: a line each."""
    return dict(line.split("=", 1) for line in text.splitlines())
