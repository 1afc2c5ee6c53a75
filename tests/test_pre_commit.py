"""The pre-commit hooks, run by the real pre-commit in a scratch repository.

The hooks `modlint` and `modlint-quality` install this checkout and its dependencies into an
environment of their own, so the test of that recipe needs what `pip install .` needs. The other
cases use `modlint-system`, which runs the
modlint that runs these tests.
"""

from __future__ import annotations

import itertools
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from checkout import copy_committed, git_environment
from safetensors.numpy import save_file

from modlint.file_names import LISTED, is_listed
from modlint.settings import profiles
from modlint.text import MAX_WIDTH

ROOT = Path(__file__).resolve().parents[1]
POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 2097152\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Variables for git and pre-commit that keep the user's own settings out."""
    return git_environment(
        PATH=os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        PIP_CONSTRAINT=str(ROOT / "constraints.txt"),
        PRE_COMMIT_HOME=str(tmp_path_factory.mktemp("pre-commit")),
    )


@pytest.fixture(scope="module")
def hooks(tmp_path_factory: pytest.TempPathFactory, environment: dict[str, str]) -> Path:
    """A repository that holds this working tree, committed."""
    folder = tmp_path_factory.mktemp("hooks") / "modlint"
    copy_committed(folder, environment)
    return folder


@pytest.fixture
def scratch(tmp_path: Path, environment: dict[str, str]) -> Path:
    """An empty repository to commit checkpoints to."""
    folder = tmp_path / "scratch"
    folder.mkdir()
    run(folder, environment, "git", "init", "--quiet")
    return folder


def run(
    folder: Path, environment: dict[str, str], *command: str | Path
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def try_repo(
    hooks: Path, scratch: Path, environment: dict[str, str], hook: str
) -> subprocess.CompletedProcess[str]:
    run(scratch, environment, "git", "add", "--all")
    pre_commit = (sys.executable, "-m", "pre_commit", "try-repo", hooks, hook)
    return run(scratch, environment, *pre_commit, "--all-files", "--verbose", "--color=never")


def write_weights(path: Path, *, nan: bool = False) -> None:
    """An nn.Sequential of two fully connected layers of random weights."""
    random = np.random.default_rng(0)
    sizes = (16, 32, 8)
    weights = {
        f"{2 * i}.weight": random.standard_normal((out, into)).astype(np.float32)
        for i, (into, out) in enumerate(itertools.pairwise(sizes))
    }
    if nan:
        weights["2.weight"][3, 5] = np.nan
    save_file(weights, path, {"format": "pt"})


def findings(output: str, name: str) -> list[str]:
    return [line for line in output.splitlines() if line.startswith(name)]


def write_modules(path: Path, *, dead: int = 0) -> None:
    """An nn.Sequential of twelve modules of four units a layer, hardly connected to one another."""
    random = np.random.default_rng(0)
    inside = np.kron(np.eye(12), np.ones((4, 4)))
    weights = {}
    for layer in ("0", "2", "4"):
        values = random.standard_normal((48, 48)) * np.where(inside, 1, 0.05)
        weights[f"{layer}.weight"] = values.astype(np.float32)
        weights[f"{layer}.bias"] = np.zeros(48, np.float32)
    weights["0.weight"][:dead] = 0
    weights["2.weight"][:, :dead] = 0
    save_file(weights, path, {"format": "pt"})


def recipe() -> str:
    """The configuration with both hooks that install modlint."""
    text = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    return text.split("<!-- pre-commit-quality -->\n\n```yaml\n")[1].split("```")[0]


def test_the_recipe_with_both_hooks_works_as_written(
    hooks: Path, environment: dict[str, str]
) -> None:
    project = hooks.parent / "project"  # beside the clone
    project.mkdir()
    run(project, environment, "git", "init", "--quiet")
    (project / ".pre-commit-config.yaml").write_text(recipe())
    (project / "notes.txt").write_text("not a checkpoint")
    ended = {}
    for name, write in (
        ("healthy", write_modules),
        ("random", write_weights),
        ("dead", lambda path: write_modules(path, dead=12)),
        ("diverged", lambda path: write_weights(path, nan=True)),
    ):
        write(project / "model.safetensors")
        run(project, environment, "git", "add", "--all")
        pre_commit = (sys.executable, "-m", "pre_commit", "run", "--all-files", "--color=never")
        done = run(project, environment, *pre_commit)
        assert "Traceback" not in done.stdout + done.stderr, done.stdout + done.stderr
        said = re.findall(r"^(modlint.*?)\.+(Passed|Failed)$", done.stdout, re.MULTILINE)
        ended[name] = dict(said) | {
            "rules": set(re.findall(r": ([A-Z]{3}\d{3}) error", done.stdout))
        }
    passed, failed = "Passed", "Failed"
    assert ended == {
        "healthy": {"modlint": passed, "modlint (quality)": passed, "rules": set()},
        "random": {"modlint": passed, "modlint (quality)": failed, "rules": {"CLU001"}},
        "dead": {"modlint": passed, "modlint (quality)": failed, "rules": {"NEU001"}},
        "diverged": {"modlint": failed, "modlint (quality)": failed, "rules": {"NUM001"}},
    }


def test_healthy_checkpoint_passes(hooks: Path, scratch: Path, environment: dict[str, str]) -> None:
    write_weights(scratch / "healthy.safetensors")
    done = try_repo(hooks, scratch, environment, "modlint-system")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^modlint\.+Passed$", done.stdout, re.MULTILINE)


def test_nan_fails_with_a_message_that_fits(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    write_weights(scratch / "diverged.safetensors", nan=True)
    done = try_repo(hooks, scratch, environment, "modlint-system")
    assert done.returncode == 1
    assert "- exit code: 1" in done.stdout
    (line,) = findings(done.stdout, "diverged.safetensors")
    assert "NUM001 error 2.weight" in line
    assert all(len(line) <= MAX_WIDTH for line in done.stdout.splitlines())


def test_lfs_pointer_is_said_not_to_be_downloaded(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    (scratch / "remote.pt").write_text(POINTER)
    done = try_repo(hooks, scratch, environment, "modlint-system")
    assert done.returncode == 1
    (line,) = findings(done.stdout, "remote.pt")
    assert "FMT002" in line
    assert "not downloaded" in line
    assert len(line) <= MAX_WIDTH


def test_other_files_are_not_looked_at(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    write_weights(scratch / "weights.dat", nan=True)
    done = try_repo(hooks, scratch, environment, "modlint-system")
    assert done.returncode == 0
    assert "Skipped" in done.stdout


def test_commit_fails_until_the_checkpoint_is_healthy(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    revision = run(hooks, environment, "git", "rev-parse", "HEAD").stdout.strip()
    config = {"repos": [{"repo": str(hooks), "rev": revision, "hooks": [{"id": "modlint-system"}]}]}
    (scratch / ".pre-commit-config.yaml").write_text(yaml.safe_dump(config))
    run(scratch, environment, sys.executable, "-m", "pre_commit", "install")
    write_weights(scratch / "model.safetensors", nan=True)
    assert commit(scratch, environment).returncode == 1
    assert run(scratch, environment, "git", "log").returncode != 0  # no commit yet
    write_weights(scratch / "model.safetensors")
    assert commit(scratch, environment).returncode == 0


def commit(scratch: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    run(scratch, environment, "git", "add", "--all")
    return run(scratch, environment, "git", "commit", "--message", "weights")


def test_a_file_that_turns_out_to_be_no_checkpoint_passes(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    (scratch / "vocabulary.bin").write_bytes(b"the\nof\nand\n" * 99)
    done = try_repo(hooks, scratch, environment, "modlint-system")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^modlint\.+Passed$", done.stdout, re.MULTILINE)


def test_a_hostile_pickle_under_a_name_that_is_no_framework_s_fails(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    (scratch / "cache.bin").write_bytes(b"cos\nsystem\n(S'id'\ntR.")
    done = try_repo(hooks, scratch, environment, "modlint-system")
    assert done.returncode == 1
    assert any("SEC001" in line for line in findings(done.stdout, "cache.bin"))


def test_a_repository_of_300_checkpoints_some_of_them_pointers(
    hooks: Path, scratch: Path, environment: dict[str, str]
) -> None:
    """All are looked at in one start of modlint, and what is wrong is named once."""
    names = [f"{kind}/{i:03}.safetensors" for i in range(100) for kind in ("a", "b", "c d")]
    pointers = set(names[7::20])
    for name in names:
        path = scratch / name
        path.parent.mkdir(exist_ok=True)
        if name in pointers:
            path.write_text(POINTER)
        else:
            write_weights(path)
    assert len(names) == 300
    assert len(pointers) == 15
    done = commit_with(hooks, scratch, environment, "args: [--verbose]")
    assert done.returncode == 1
    pointed = [line for line in findings(done.stderr, "") if "FMT002 error" in line]
    assert sorted(line.partition(": FMT002")[0] for line in pointed) == sorted(pointers)
    assert "15 errors" in done.stderr
    assert "in 300 files" in done.stderr
    assert done.stderr.count("--fail-on error (exit code 1)") == 1
    folded = commit_with(hooks, scratch, environment, "verbose: false")
    assert folded.returncode == 1
    assert len([line for line in folded.stderr.splitlines() if "FMT002" in line]) == 1
    left_alone = commit_with(hooks, scratch, environment, "args: [--ignore, FMT002]")
    assert left_alone.returncode == 0, left_alone.stderr


def commit_with(
    hooks: Path, scratch: Path, environment: dict[str, str], option: str
) -> subprocess.CompletedProcess[str]:
    """Commit with the hook `modlint-system`, by the configuration that the page shows."""
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    config = page.split("<!-- pre-commit-lfs -->\n\n```yaml\n")[1].split("```")[0]
    revision = run(hooks, environment, "git", "rev-parse", "HEAD").stdout.strip()
    config = config.replace("../modlint", str(hooks)).replace("rev: main", f"rev: {revision}")
    assert "args: [--ignore, FMT002]" in config
    text = config.replace("args: [--ignore, FMT002]", option)
    (scratch / ".pre-commit-config.yaml").write_text(text)
    run(scratch, environment, sys.executable, "-m", "pre_commit", "install")
    return commit(scratch, environment)


@pytest.mark.skipif(
    "quality" not in getattr(profiles, "PROFILES", ()), reason="there is no such profile"
)
def test_quality_is_gated(hooks: Path, scratch: Path, environment: dict[str, str]) -> None:
    write_weights(scratch / "random.safetensors")
    hook = declared_hooks()["modlint-quality"]
    command = [sys.executable, "-m", *hook["entry"].split(), scratch / "random.safetensors"]
    done = run(ROOT, environment, *command)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "CLU001" in done.stdout


def declared_hooks() -> dict[str, dict[str, Any]]:
    declared = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    return {hook["id"]: hook for hook in declared}


def test_pages_name_hooks_that_are_declared() -> None:
    page = (ROOT / "docs" / "ci.md").read_text(encoding="utf-8")
    for mark in ("pre-commit", "pre-commit-quality", "pre-commit-lfs"):
        config = yaml.safe_load(page.split(f"<!-- {mark} -->\n\n```yaml\n")[1].split("```")[0])
        assert {h["id"] for repo in config["repos"] for h in repo["hooks"]} <= set(declared_hooks())
    assert set(re.findall(r"^\| `(modlint[a-z-]*)` \|", page, re.MULTILINE)) == set(
        declared_hooks()
    )


def test_the_hooks_select_the_files_that_discovery_lists() -> None:
    hooks = declared_hooks()
    languages = {"modlint": "python", "modlint-system": "system", "modlint-quality": "python"}
    assert {name: hook["language"] for name, hook in hooks.items()} == languages
    for hook in hooks.values():
        pattern = re.compile(hook["files"])
        names = [f"a{extension}" for extension in LISTED] + [f"b/a{LISTED[0]}", "c/.metadata"]
        assert all(pattern.search(name) and is_listed(Path(name)) for name in names)
        assert not any(pattern.search(name) for name in ("a.txt", "pt", "a.ptx", "a.metadata"))
        listed = re.findall(r"[a-z0-9.\\]+", hook["files"].partition("(\\.(")[2].partition(")")[0])
        assert {f".{name}".replace("\\", "") for name in listed} == set(LISTED)
        assert hook["types"] == ["file"]
        assert hook["require_serial"] is True
