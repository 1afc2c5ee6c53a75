"""What is built: the wheel, from the sdist, holds the three packages and all that they need."""

from __future__ import annotations

import configparser
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "modlint": ROOT / "modlint",
    "modlint_rules": ROOT / "rules" / "modlint_rules",
    "modlint_plugins": ROOT / "plugins" / "modlint_plugins",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--outdir", folder, ROOT]
    done = subprocess.run(build, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.ZipFile(path)


def test_top_level_names_are_the_three_packages(wheel: zipfile.ZipFile) -> None:
    names = {name.partition("/")[0] for name in wheel.namelist()}
    (dist_info,) = names - set(PACKAGES)
    assert set(PACKAGES) < names
    assert dist_info.startswith("modlint-")
    assert dist_info.endswith(".dist-info")


@pytest.mark.parametrize("package", PACKAGES)
def test_wheel_holds_every_file_of_the_checkout(wheel: zipfile.ZipFile, package: str) -> None:
    folder = PACKAGES[package]
    wanted = {
        f"{package}/{file.relative_to(folder).as_posix()}"
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    built = {name for name in wheel.namelist() if name.startswith(f"{package}/")}
    assert built == wanted
    assert f"{package}/py.typed" in built


def test_every_rule_has_its_page(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    rules = {n for n in names if n.startswith("modlint_rules/") and _declares_code(wheel, n)}
    assert rules
    assert {f"{n.removesuffix('.py')}.md" for n in rules} <= set(names)


def test_entry_points_name_modules_of_the_wheel(wheel: zipfile.ZipFile) -> None:
    (path,) = (name for name in wheel.namelist() if name.endswith("/entry_points.txt"))
    entry_points = configparser.ConfigParser()
    entry_points.read_string(wheel.read(path).decode())
    modules = {*entry_points["modlint"].values(), *entry_points["pytest11"].values()}
    paths = {module.replace(".", "/") for module in modules}
    assert paths
    names = set(wheel.namelist())
    assert all({f"{path}.py", f"{path}/__init__.py"} & names for path in paths)


def test_torch_is_needed_by_extras_alone(wheel: zipfile.ZipFile) -> None:
    (path,) = (name for name in wheel.namelist() if name.endswith("/METADATA"))
    lines = wheel.read(path).decode().splitlines()
    requires = [line.partition(": ")[2] for line in lines if line.startswith("Requires-Dist")]
    extras = {need.partition("; ")[2] for need in requires if need.startswith("torch")}
    assert extras == {"extra == 'architectures'", "extra == 'torch'"}


def test_what_is_installed_without_extras_is_light_and_works(
    wheel: zipfile.ZipFile, tmp_path: Path
) -> None:
    """A fresh environment: at most 320 MB, no torch, and rules that read every weight."""
    venv.create(tmp_path / "light", with_pip=True)
    python = tmp_path / "light" / "bin" / "python"
    alone = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    command = [python, "-m", "pip", "install", "-q", "--disable-pip-version-check", wheel.filename]
    done = subprocess.run(command, capture_output=True, text=True, env=alone)
    assert done.returncode == 0, done.stderr
    (packages,) = (tmp_path / "light" / "lib").glob("python*/site-packages")
    files = [file for file in packages.rglob("*") if file.is_file() and not file.is_symlink()]
    assert sum(file.stat().st_size for file in files) <= 320e6
    assert not (packages / "torch").exists()
    values = np.random.default_rng(0).standard_normal((20, 30), dtype=np.float32)
    save_file({"fc.weight": values}, tmp_path / "model.safetensors", metadata={"format": "pt"})
    check = [python, "-m", "modlint", "check", "--select", "FMT,GRF,NEU,NUM,SEC"]
    done = subprocess.run(
        [*check, "--strict", tmp_path / "model.safetensors"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=alone,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _declares_code(wheel: zipfile.ZipFile, name: str) -> bool:
    return name.endswith(".py") and ", reference=" in wheel.read(name).decode()
