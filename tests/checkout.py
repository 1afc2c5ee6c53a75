"""A repository that holds this working tree, as a clone of it would."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def git_environment(**variables: str) -> dict[str, str]:
    """Variables for git and pre-commit that keep the user's own settings out."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("GIT_", "PRE_COMMIT"))}
    who = {"NAME": "A. Tester", "EMAIL": "tester@example.org"}
    return kept | {
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        **{f"GIT_{role}_{k}": v for role in ("AUTHOR", "COMMITTER") for k, v in who.items()},
        **variables,
    }


def copy_committed(folder: Path, environment: Mapping[str, str]) -> None:
    """Write this working tree into a folder, and commit it on the branch main."""
    if not (ROOT / ".git").exists():
        pytest.skip("needs a git checkout: the files to commit are those that git knows")
    listed = _git(ROOT, environment, "ls-files", "-z", "-co", "--exclude-standard")
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    _git(folder, environment, "init", "--initial-branch", "main")
    _git(folder, environment, "add", "--all", "--force")
    _git(folder, environment, "commit", "-m", "all")


def _git(folder: Path, environment: Mapping[str, str], *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
