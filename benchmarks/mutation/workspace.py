"""A copy of the working tree that may be changed: the checkout itself never is."""

from __future__ import annotations

import compileall
import hashlib
import os
import py_compile
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def tracked() -> list[str]:
    """Every file that git knows or would add, relative to the root, in order."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return sorted(name for name in set(listed.split("\0")) if (ROOT / name).is_file())


def digest(names: list[str]) -> str:
    """Stands for the content of these files."""
    summed = hashlib.sha256()
    for name in names:
        summed.update(f"{name}\0".encode() + hashlib.sha256((ROOT / name).read_bytes()).digest())
    return summed.hexdigest()[:16]


class Workspace:
    """A folder with a copy of the repository, beside it what stands beside the original.

    Attributes:
        root: the copy.
        scratch: a folder for whatever else a run writes.
    """

    def __init__(self, folder: Path) -> None:
        self.root = folder / "modlint"
        self.scratch = folder / "scratch"
        shutil.rmtree(folder, ignore_errors=True)
        self.scratch.mkdir(parents=True)
        for name in tracked():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, self.root / name)
        shared = ROOT.parent / "shared"
        if shared.exists():
            (folder / "shared").symlink_to(shared.resolve())
        self._compile()

    def _compile(self) -> None:
        """Bytecode that is checked against the source's hash: a mutant never meets an old one."""
        mode = py_compile.PycInvalidationMode.CHECKED_HASH
        for name in ("modlint", "rules", "plugins"):
            compileall.compile_dir(self.root / name, quiet=1, invalidation_mode=mode)

    def environment(self) -> dict[str, str]:
        """In which modlint and its plugins are those of the copy, and nothing is random."""
        roots = (self.root, self.root / "rules", self.root / "plugins")
        return os.environ | {
            "OMP_NUM_THREADS": "1",
            "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONHASHSEED": "0",
            "PYTHONPATH": os.pathsep.join(map(str, roots)),
        }

    def start(self) -> subprocess.Popen[str]:
        """A warm process that runs tests in the copy: see `warm`."""
        return subprocess.Popen(
            [sys.executable, "-m", "benchmarks.mutation.warm", str(self.scratch)],
            cwd=self.root,
            env=self.environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
