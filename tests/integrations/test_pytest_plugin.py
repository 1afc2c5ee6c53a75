"""The fixture `modlint_check`, in runs of the real pytest that finds it by its entry point."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[2]
TESTS = """
import sys
import numpy as np
import pytest

def test_path(modlint_check):
    report = modlint_check({path!r}, select="NUM")
    assert report.ok and report.summary.files == 1

def test_broken_path(modlint_check):
    modlint_check({broken!r}, select="NUM")

def test_module(modlint_check):
    torch = pytest.importorskip("torch")
    layer = torch.nn.Linear(4, 4)
    modlint_check(layer, select="NUM")
    torch.nn.init.constant_(layer.bias, float("nan"))
    with pytest.raises(AssertionError, match="NUM001 error bias"):
        modlint_check(layer, select="NUM")

def test_mapping(modlint_check):
    rows = np.ones((64, 32), np.float32)
    modlint_check({{"fc.weight": rows}}, select="NUM007")
    with pytest.raises(AssertionError, match="constant-weight"):
        modlint_check({{"fc.weight": rows}}, select="NUM007", fail_on="warning")

def test_wrong_setting(modlint_check):
    with pytest.raises(TypeError, match="fail_on"):
        modlint_check({path!r}, fail_onn="warning")

def test_strict(modlint_check):
    with pytest.raises(AssertionError):
        modlint_check({text!r}, strict=True)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with tests, weights, and the entry points that pyproject.toml declares."""
    values = np.random.default_rng(0).standard_normal((8, 16), dtype=np.float32)
    save_file({"fc.weight": values}, tmp_path / "model.safetensors", {"format": "pt"})
    values[1, 2] = np.inf
    save_file({"fc.weight": values}, tmp_path / "broken.safetensors", {"format": "pt"})
    (tmp_path / "notes.pt").write_text("no checkpoint\n")
    project = tmp_path / "project"
    project.mkdir()
    paths = {
        name: str(tmp_path / file)
        for name, file in (
            ("path", "model.safetensors"),
            ("broken", "broken.safetensors"),
            ("text", "notes.pt"),
        )
    }
    (project / "test_weights.py").write_text(TESTS.format(**paths))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    about = tmp_path / "installed" / "entry_points_of_modlint-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: entry-points-of-modlint\n")
    points = "".join(f"{name} = {place}\n" for name, place in declared["pytest11"].items())
    (about / "entry_points.txt").write_text(f"[pytest11]\n{points}")
    return project


def run_pytest(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    paths = [str(project.parent / "installed"), *sys.path]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True)


def test_what_is_broken_fails_and_what_is_healthy_passes(project: Path) -> None:
    done = run_pytest(project, "-W", "error")
    assert "1 failed, 5 passed" in done.stdout, done.stdout + done.stderr
    assert "FAILED test_weights.py::test_broken_path" in done.stdout
    assert "broken.safetensors: NUM001 error fc.weight: 1 of 128 elements not finite" in done.stdout
    assert "pytest_plugin.py" not in done.stdout, "its own frames are no help"


def test_a_configuration_file_applies_where_pytest_names_it(project: Path) -> None:
    (project / "pytest.ini").write_text("[pytest]\nmodlint_config = lint/modlint.toml\n")
    (project / "lint").mkdir()
    (project / "lint" / "modlint.toml").write_text('[rules.non-finite]\nseverity = "warning"\n')
    done = run_pytest(project, "-k", "path")
    assert "2 passed" in done.stdout, done.stdout + done.stderr
    (project / "lint" / "modlint.toml").write_text("severety = 1\n")
    assert "unknown key `severety`" in run_pytest(project, "-k", "path").stdout


def test_who_does_not_use_it_pays_nothing(project: Path) -> None:
    (project / "conftest.py").write_text(
        "import sys\n"
        "def pytest_unconfigure():\n"
        "    loaded = {name for name in sys.modules if name.startswith('modlint')}\n"
        "    print('loaded', sorted(loaded), {'msgspec', 'numpy'} & sys.modules.keys())\n"
    )
    (project / "test_weights.py").write_text("def test_nothing(): pass\n")
    done = run_pytest(project, "-s")
    assert "1 passed" in done.stdout, done.stdout + done.stderr
    light = ["modlint", "modlint.integrations", "modlint.integrations.pytest_plugin"]
    assert f"loaded {light} set()" in done.stdout


def test_it_is_listed_with_what_it_does(project: Path) -> None:
    said = run_pytest(project, "--fixtures").stdout
    assert "modlint_check" in said
    assert "Check a path, a module or a state_dict" in said
    assert "modlint_config" in run_pytest(project, "--help").stdout
