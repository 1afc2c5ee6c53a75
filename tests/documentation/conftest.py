"""A folder with the files that the documentation names, copied for each page; and the site."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import documented_files
import pytest
from documented import ROOT

OTHERS = "ignore:.*:DeprecationWarning", "ignore:.*:FutureWarning", "ignore:.*:UserWarning"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What the libraries that pages use warn of is theirs."""
    for item in items:
        if "documentation" in item.path.parts:
            for rule in OTHERS:
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files; networks are trained by the scripts of `make demo`."""
    folder = tmp_path_factory.mktemp("documented")
    made = folder / "checkpoints"
    for script, *arguments in (
        ("train.py", made / "healthy"),
        ("break_them.py", made / "healthy", made / "broken"),
    ):
        subprocess.run([sys.executable, ROOT / "examples" / script, *arguments], check=True)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        documented_files.write(folder / "files", made)
    return folder / "files"


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, as `make docs` builds it: strict, so that whatever MkDocs warns of fails."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(folder)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def project(files: Path, tmp_path: Path) -> Path:
    """A copy of the files, of the test's own."""
    return Path(shutil.copytree(files, tmp_path / "project"))


@pytest.fixture
def at(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Makes a folder the current one."""
    return monkeypatch.chdir
