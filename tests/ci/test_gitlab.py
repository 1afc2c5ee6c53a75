"""The job for GitLab that the page shows: its script, run by bash in a project."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from junitparser import JUnitXml

from ci.project import recipe
from ci.runner import ROOT

JOB: dict[str, Any] = yaml.safe_load(recipe(ROOT / "docs" / "ci.md", "gitlab"))["modlint"]


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder of commands whose `modlint` runs the one that is tested."""
    script = tmp_path / "commands" / "modlint"
    script.parent.mkdir()
    script.write_text(f'#!/bin/sh\nexec "{sys.executable}" -P -m modlint "$@"\n')
    script.chmod(0o755)
    return script.parent


def run_job(workspace: Path, commands: Path) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {
        "CI": "true",
        "GITLAB_CI": "true",
        "PATH": os.pathsep.join([str(commands), os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    script = "\n".join(("set -eo pipefail", *JOB["script"]))
    return subprocess.run(
        ["bash", "-c", script], cwd=workspace, env=environment, capture_output=True, text=True
    )


def test_findings_fail_the_job_and_are_in_its_reports(workspace: Path, commands: Path) -> None:
    done = run_job(workspace, commands)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "models/diverged.safetensors: NUM001 error" in done.stdout
    reports = JOB["artifacts"]["reports"]
    assert JOB["artifacts"]["when"] == "always"
    issues = json.loads((workspace / reports["codequality"]).read_text())
    (issue,) = [issue for issue in issues if "NUM001" in issue["description"]]
    assert issue["location"]["path"] == "models/diverged.safetensors"
    assert {"description", "check_name", "fingerprint", "severity", "location"} <= set(issue)
    suites = JUnitXml.fromfile(str(workspace / reports["junit"]))
    assert suites.failures + suites.errors >= 1
    assert suites.tests > suites.failures


def test_a_healthy_project_passes(workspace: Path, commands: Path) -> None:
    (workspace / "models" / "diverged.safetensors").unlink()
    done = run_job(workspace, commands)
    assert done.returncode == 0, done.stdout + done.stderr
    reports = JOB["artifacts"]["reports"]
    suites = JUnitXml.fromfile(str(workspace / reports["junit"]))
    assert suites.tests > 0
    assert suites.failures == suites.errors == 0
    issues = json.loads((workspace / reports["codequality"]).read_text())
    assert not [issue for issue in issues if issue["severity"] in ("major", "critical", "blocker")]
