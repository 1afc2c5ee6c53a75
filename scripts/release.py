"""Build what a release consists of, check it, and try it where nothing of the checkout is found.

Usage: python scripts/release.py [--dist FOLDER] [--tests quick|all|none] [--tag TAG]

Builds the sdist of each distribution and, from it, its wheel, into FOLDER/NAME. Checks them with
twine, compares their names and versions with one another, and with TAG where one is given.
Installs the wheels into a fresh environment and uses each, then runs the tests on what is
installed, in a copy of the repository that lacks the packages: `quick` is the
cases of each rule and what a wheel could lack; `all`, every test that needs no source file.

Needs build and twine in the running environment, and git.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {
    "modlint": ROOT,
    "modlint-train": ROOT / "plugins" / "modlint-train",
    "modlint-example": ROOT / "plugins" / "modlint-example",
}
PUBLISHED = ("modlint", "modlint-train")
PACKAGES = (
    "modlint",
    "rules/modlint_rules",
    "plugins/modlint_plugins",
    "plugins/modlint-train/modlint_train",
)
"""What the copy of the repository lacks, so that tests can only import what is installed."""
EXTRAS = "completion,html,onnxruntime,pandas,pictures,sbom,torch"
QUICK = (
    "tests/api",
    "tests/live",
    "tests/plugins/reporters/test_formats.py",
    "tests/plugins/test_modlint_example.py",
    "tests/plugins/train/test_penalty.py",
    "tests/rules/test_cases.py",
    "tests/rules/test_pages.py",
    "tests/settings",
    "tests/stability",
    "tests/test_schemas.py",
)
"""Of each rule its cases, and what could lack from a wheel: pages, templates, schemas, plugins."""
OF_SOURCES = (
    "tests/ci/test_action.py",
    "tests/test_mutation.py",
    "tests/test_new_rule.py",
    "tests/test_packaging.py",
    "tests/test_pre_commit.py",
    "tests/test_readme.py::test_links_lead_to_files",
    "tests/test_release.py",
)
"""Tests of the checkout: they build it, install it, or read its source files."""
CONSTRAINTS = ROOT / "constraints.txt"
LAYER = """
import sys, torch
from modlint_train import ClusterabilityPenalty, clusterable_init_
torch.manual_seed(0)
model = torch.nn.Sequential(
    torch.nn.Linear(64, 96), torch.nn.ReLU(), torch.nn.Linear(96, 96), torch.nn.ReLU(),
    torch.nn.Linear(96, 10),
)
clusterable_init_(model)
ClusterabilityPenalty(model)().backward()
assert all(layer.weight.grad.abs().sum() > 0 for layer in model[::2])
torch.save(model.state_dict(), sys.argv[1])
"""


class WrongReleaseError(Exception):
    """What was built is not what is to be released."""


def build(dist: Path) -> dict[str, Path]:
    """Build everything into a folder for each distribution; the wheels by name."""
    wheels = {}
    for name, source in FOLDERS.items():
        folder = dist / name
        shutil.rmtree(folder, ignore_errors=True)
        run([sys.executable, "-m", "build", "--outdir", folder, source], quiet=True)
        (wheels[name],) = folder.glob("*.whl")
        (sdist,) = folder.glob("*.tar.gz")
        print(f"built {sdist.name} and {wheels[name].name}", flush=True)
    return wheels


def check(dist: Path, wheels: dict[str, Path], tag: str | None) -> None:
    """Check the files that were built.

    Raises:
        WrongReleaseError: versions differ from one another or from the tag, or the changelog has no
            section of the version.
    """
    files = sorted(file for name in FOLDERS for file in (dist / name).iterdir())
    run([sys.executable, "-m", "twine", "check", "--strict", *files])
    versions = {name: wheel.name.split("-")[1] for name, wheel in wheels.items()}
    version = versions["modlint"]
    if set(versions.values()) != {version}:
        raise WrongReleaseError(f"the versions differ: {versions}")
    if not re.search(rf"^## \[{re.escape(version)}\]", changelog(), re.MULTILINE):
        raise WrongReleaseError(f"CHANGELOG.md has no section [{version}]")
    if tag is not None:
        check_tag(tag, version)


def check_tag(tag: str, version: str) -> None:
    """Check what must hold of the commit that is tagged.

    Raises:
        WrongReleaseError: the tag names another version, the changelog gives the version no day, or
            the contract kept in docs/schemas/released is not what the code offers.
    """
    if tag != f"v{version}":
        raise WrongReleaseError(f"the tag {tag} is not v{version}")
    if not re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", changelog(), re.M):
        raise WrongReleaseError(f"CHANGELOG.md gives [{version}] no day")
    run([sys.executable, ROOT / "scripts" / "freeze_contract.py", "--check"])


def changelog() -> str:
    """The text of CHANGELOG.md."""
    return (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


class Environment:
    """A fresh environment, in which nothing of the checkout is found."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        venv.create(folder / "venv", with_pip=True)
        self.bin = folder / "venv" / ("Scripts" if os.name == "nt" else "bin")
        self.install("--upgrade", "pip")

    def install(self, *what: str | Path) -> None:
        """Install, with the constraints of development."""
        self.python("-m", "pip", "install", "-qq", "--constraint", CONSTRAINTS, *what)

    def python(self, *arguments: str | Path, cwd: Path | None = None, quiet: bool = False) -> None:
        """Run its Python."""
        hidden = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
        environment = {key: value for key, value in os.environ.items() if key not in hidden}
        environment["PATH"] = os.pathsep.join((str(self.bin), os.environ["PATH"]))
        environment["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"
        command = [self.bin / "python", *arguments]
        run(command, quiet=quiet, cwd=cwd or self.folder, env=environment)

    def modlint(self, *arguments: str | Path) -> None:
        """Run its modlint, which must end in exit code 0."""
        self.python("-P", "-m", "modlint", *arguments, quiet=True)


def use(environment: Environment, wheels: dict[str, Path]) -> None:
    """Install the wheels one after the other, each with what it requires alone, and use them."""
    step("modlint alone, without torch")
    environment.install(wheels["modlint"])
    environment.modlint("rules")
    model = environment.folder / "model.npz"
    weights = "np.random.default_rng(0).standard_normal((20, 30), dtype=np.float32)"
    program = f"import sys, numpy as np; np.savez(sys.argv[1], **{{'fc.weight': {weights}}})"
    environment.python("-c", program, model)
    environment.modlint("check", "--strict", "--select", "FMT,GRF,NEU,NUM,SEC", model)
    step("the example plugin")
    environment.install(wheels["modlint-example"])
    environment.modlint("rule", "EXA001")
    environment.modlint("check", "--select", "EXA001", "--output-format", "counts", model)
    step("modlint-train")
    environment.install(wheels["modlint-train"])
    trained = environment.folder / "trained.pt"
    environment.python("-c", LAYER, trained)
    gate = ("--config", "rules.not-clusterable.severity=error")
    environment.modlint("check", "--select", "CLU001", *gate, trained)


def test(environment: Environment, wheel: Path, which: str) -> None:
    """Run tests on what is installed."""
    step(f"the tests ({which}) on the wheels")
    groups = f"{ROOT / 'pyproject.toml'}:test"
    environment.install(f"{wheel}[{EXTRAS}]", "--group", groups)
    environment.python("-m", "pip", "check")
    tree = environment.folder / "tree"
    copy(tree)
    most = ("tests", *(f"--deselect={test}" for test in OF_SOURCES))
    selected = QUICK if which == "quick" else most
    command = ("-m", "pytest", "-n", "2", "--dist", "loadfile", "-q", "-o", "pythonpath=tests")
    environment.python(*command, *selected, cwd=tree)


def copy(tree: Path) -> None:
    """Copy what git tracks, but the packages."""
    excluded = [f":!{package}" for package in PACKAGES]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", ".", *excluded], cwd=ROOT, capture_output=True, check=True
    )
    for name in listed.stdout.decode().split("\0")[:-1]:
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tree / name)


def step(title: str) -> None:
    """Say what comes next."""
    print(f"-- {title}", flush=True)


def run(command: Sequence[str | Path], *, quiet: bool = False, **settings: object) -> None:
    """Run a command; what a quiet one prints is shown where it fails.

    Raises:
        WrongReleaseError: it fails.
    """
    output = subprocess.PIPE if quiet else None
    done = subprocess.run(  # type: ignore[call-overload]
        command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, text=True, **settings
    )
    if done.returncode:
        shown = " ".join(map(str, command))
        raise WrongReleaseError(f"{shown}\n{done.stdout or ''}{done.stderr or ''}".strip())


def main() -> int:
    """Build, check and try."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--dist", type=Path, help="folder to build into; temporary by default")
    parser.add_argument("--tests", choices=("quick", "all", "none"), default="quick")
    parser.add_argument("--tag", help="the tag of this release, such as v0.2.0")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        dist = (arguments.dist or Path(scratch) / "dist").resolve()
        try:
            wheels = build(dist)
            check(dist, wheels, arguments.tag)
            environment = Environment(Path(scratch))
            use(environment, wheels)
            if arguments.tests != "none":
                test(environment, wheels["modlint"], arguments.tests)
        except WrongReleaseError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
