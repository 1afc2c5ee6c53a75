"""`python -m modlint` in a folder of somebody else's: nothing in it is imported."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from support import modlint

MARK = """
import pathlib
pathlib.Path({marker!r}).touch()
"""
SHADOWING = (
    "pluggy",
    "msgspec",
    "pathspec",
    "numpy",
    "onnx",
    "scipy",
    "torch",
    "rich",
    "argparse",
    "__future__",
    "modlint_plugins",
    "modlint_rules",
    "sitecustomize",
)
DISTRIBUTION = {
    "METADATA": "Metadata-Version: 2.1\nName: modlint-evil\nVersion: 1.0\n",
    "entry_points.txt": "[modlint]\nevil = evil_plugin\n",
    "RECORD": "",
}


@pytest.fixture
def foreign(tmp_path: Path) -> Path:
    """A folder with modules of the names that modlint imports, and a plugin."""
    folder = tmp_path / "foreign"
    folder.mkdir()
    for name in SHADOWING[1::2]:
        (folder / f"{name}.py").write_text(MARK.format(marker=str(tmp_path / f"{name}.ran")))
    for name in SHADOWING[::2]:
        (folder / name).mkdir()
        marker = str(tmp_path / f"{name}.ran")
        (folder / name / "__init__.py").write_text(MARK.format(marker=marker))
    (folder / "evil_plugin.py").write_text(MARK.format(marker=str(tmp_path / "evil_plugin.ran")))
    (folder / "modlint_evil-1.0.dist-info").mkdir()
    for name, content in DISTRIBUTION.items():
        (folder / "modlint_evil-1.0.dist-info" / name).write_text(content)
    return folder


def ran(foreign: Path) -> list[str]:
    return sorted(path.stem for path in foreign.parent.glob("*.ran"))


@pytest.mark.parametrize("command", ["check", "plugins", "rules"])
def test_nothing_is_imported_from_the_current_folder(
    foreign: Path, healthy: Path, command: str
) -> None:
    arguments = [command, healthy, "--isolated"] if command == "check" else [command]
    run = modlint(*arguments, cwd=foreign, PYTHONDONTWRITEBYTECODE="1")
    assert run.returncode == 0, run.stdout + run.stderr
    assert ran(foreign) == []
    assert "evil" not in run.stdout + run.stderr


def test_the_folder_would_be_imported_otherwise(foreign: Path) -> None:
    subprocess.run([sys.executable, "-m", "pluggy"], cwd=foreign, check=False, capture_output=True)
    assert ran(foreign) == ["pluggy"]


@pytest.mark.parametrize("flags", [["-P"], ["-I"]])
def test_a_safe_path_loses_nothing(foreign: Path, flags: list[str]) -> None:
    """Where `-m` puts no folder first, none is taken away."""
    listing = "import sys, runpy; sys.argv = ['modlint', '--version']; before = list(sys.path)"
    code = f"{listing}\nimport modlint.__main__\nassert sys.path == before, sys.path"
    run = subprocess.run(
        [sys.executable, *flags, "-c", code], cwd=foreign, check=False, capture_output=True
    )
    if b"No module named 'modlint'" in run.stderr:
        pytest.skip("modlint is on the path by PYTHONPATH only")
    assert run.returncode == 0, run.stderr


def test_a_checkout_can_be_the_current_folder(healthy: Path) -> None:
    root = Path(__file__).parents[2]
    assert modlint("check", healthy, "--isolated", cwd=root).returncode == 0


def test_a_current_folder_that_is_gone_is_no_traceback(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    command = f"cd {gone} && rmdir {gone} && exec {sys.executable} -m modlint --version"
    run = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr


def test_hookimpl_is_the_marker_of_the_hooks() -> None:
    import modlint as package
    from modlint import hookimpl
    from modlint.markers import hookimpl as marker

    assert hookimpl is marker
    with pytest.raises(AttributeError, match="no attribute 'hookimp'"):
        package.hookimp  # noqa: B018
