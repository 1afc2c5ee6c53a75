"""Lines 45, 55 and 57 of the list: what a folder must not do to the check, and its work."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import pytest
from support import modlint, no_progress

from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from threats.boxes import HEALTHY
from threats.pickled import PAYLOAD
from threats.trials import HASHED, MEMBERS

_MOST_CALLS = 2_000_000
"""Python functions entered and left; a second's work or so, whatever the machine."""

STEERS = {
    "modlint.toml": 'ignore = ["ALL"]\n',
    "pyproject.toml": '[tool.modlint]\nignore = ["SEC001"]\n',
    ".gitignore": "*\n",
}


SAID = {".gitignore": "2 files that git ignores"}


@pytest.mark.parametrize("name", STEERS)
def test_what_a_folder_switches_off_is_said(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "downloaded"
    folder.mkdir()
    (folder / ".git").mkdir()
    (folder / name).write_text(STEERS[name])
    (folder / "model.pt").write_bytes(PAYLOAD)
    run = modlint("check", folder)
    assert run.returncode == 1 or SAID.get(name, name) in run.stdout + run.stderr


@pytest.mark.parametrize("place", [".cache", "site-packages", "__pycache__", "node_modules"])
def test_a_folder_that_is_passed_over_is_named(place: str, tmp_path: Path) -> None:
    (tmp_path / place).mkdir()
    (tmp_path / place / "model.pt").write_bytes(PAYLOAD)
    (tmp_path / "healthy.pt").write_bytes(HEALTHY)
    run = modlint("check", tmp_path)
    assert run.returncode == 1 or place in run.stdout + run.stderr


def test_the_current_folder_is_not_imported(tmp_path: Path) -> None:
    marker = tmp_path / "imported"
    planted = f"open({str(marker)!r}, 'w').close()\n"
    for name in ("pluggy.py", "msgspec.py", "modlint_rules.py", "torch.py", "zipfile.py"):
        (tmp_path / name).write_text(planted)
    dist = tmp_path / "evil-1.dist-info"
    dist.mkdir()
    (dist / "METADATA").write_text("Metadata-Version: 2.1\nName: evil\nVersion: 1\n")
    (dist / "entry_points.txt").write_text(
        "[modlint.plugins]\nevil = evil\n[modlint]\nevil = evil\n"
    )
    (tmp_path / "evil.py").write_text(planted)
    (tmp_path / "model.pt").write_bytes(PAYLOAD)
    run = modlint("check", "model.pt", cwd=tmp_path)
    assert not marker.exists()
    assert run.returncode == 1
    assert "os.system" in run.stdout


@pytest.mark.parametrize(
    ("name", "content"), [("m.pkl", HASHED), ("m.pkl.gz", MEMBERS)], ids=["keys", "streams"]
)
def test_small_files_are_little_work(name: str, content: bytes, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    registry = load_registry()
    registry.load_all()
    healthy = tmp_path / "healthy.pkl"
    healthy.write_bytes(HEALTHY)
    configuration = Configuration(Settings(select=("SEC", "FMT"), device="cpu"), None, tmp_path)
    check([healthy], configuration, registry, no_progress)  # what is imported is not counted
    calls = _counted(lambda: check([path], configuration, registry, no_progress))
    assert calls < _MOST_CALLS


def _counted(work: Callable[[], object]) -> int:
    """How many calls and returns of Python functions the work makes."""
    counted = 0

    def count(frame: FrameType, event: str, argument: object) -> None:
        nonlocal counted
        counted += 1

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(before)
    return counted
