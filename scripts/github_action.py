"""The steps of the GitHub Action: install modlint, and check.

Usage: python scripts/github_action.py install|check

What the user of the action gives comes as `MODLINT_…` in the environment; it is handed on as
arguments, and no shell reads it. Needs nothing but Python.

Source: GitHub Docs, "Security hardening for GitHub Actions": inputs through the environment.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

INSTALLED = "installed"
"""The version that stands for the modlint that the given Python has."""
OLDEST = (3, 11)
WRONG_USAGE = 2

_VERSION = re.compile(r"[0-9][0-9A-Za-z.!+]*")
_EXTRAS = re.compile(r"[a-z]+(, *[a-z]+)*")
_FLAGS = ("profile", "fail-on", "config")
_FILES = ("sarif", "markdown")


class WrongInputError(Exception):
    """An input of the action is wrong."""


def given(name: str) -> str:
    """An input of one line, '' where it is not given.

    Raises:
        WrongInputError: it has several lines, or characters that do not print.
    """
    value = _variable(name).strip()
    if not value.isprintable():
        raise WrongInputError(f"{name}: {value!r} is not one line of text")
    return value


def lines(name: str) -> list[str]:
    """An input of several lines, without those that are empty."""
    return [line for line in map(str.strip, _variable(name).splitlines()) if line]


def _variable(name: str) -> str:
    return os.environ.get(f"MODLINT_{name.upper().replace('-', '_')}", "")


def install() -> int:
    """Make an environment and install modlint into it.

    Raises:
        WrongInputError: the version or the extras are none, or this Python is too old.
    """
    version, extras = given("version"), given("extras")
    if version not in ("", INSTALLED) and not _VERSION.fullmatch(version):
        raise WrongInputError(f"version: {version!r} is no version")
    if extras and not _EXTRAS.fullmatch(extras):
        raise WrongInputError(f"extras: {extras!r} are no names separated by commas")
    if version == INSTALLED:
        return 0
    if sys.version_info < OLDEST:
        running = ".".join(map(str, sys.version_info[:3]))
        raise WrongInputError(f"Python {running} is too old: run actions/setup-python before")
    venv.create(_environment(), with_pip=True, clear=True)
    name = f"modlint[{extras}]" if extras else "modlint"
    checkout = Path(__file__).resolve().parents[1]
    wanted = f"{name}=={version}" if version else f"{name} @ {checkout.as_uri()}"
    pip = [str(_python()), "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wanted]
    return subprocess.run(pip, stdin=subprocess.DEVNULL, check=False).returncode


def check() -> int:
    """Run `modlint check`, and tell the outputs of the step.

    Raises:
        WrongInputError: an input of one line has several.
    """
    files = {name: given(name) for name in _FILES}
    flags = {name: given(name) for name in _FLAGS}
    python = given("python") if given("version") == INSTALLED else str(_python())
    command = [python, "-P", "-m", "modlint", "check", "--output=github"]
    command += [f"--output={name}={file}" for name, file in files.items() if file]
    command += [f"--{name}={value}" for name, value in flags.items() if value]
    command += [*lines("args"), "--", *(lines("paths") or ["."])]
    sys.stdout.flush()
    code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    _tell({"exit-code": str(code), **{n: f for n, f in files.items() if Path(f).is_file()}})
    return code


def _environment() -> Path:
    return Path(os.environ["RUNNER_TEMP"]) / "modlint-environment"


def _python() -> Path:
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return _environment() / folder / name


def _tell(outputs: dict[str, str]) -> None:
    """Set outputs of the step; no value has a line break, so none sets another."""
    with Path(os.environ["GITHUB_OUTPUT"]).open("a", encoding="utf-8") as file:
        file.writelines(f"{name}={value}\n" for name, value in outputs.items())


def main(step: str) -> int:
    """Run a step; what is wrong becomes an annotation."""
    try:
        return {"install": install, "check": check}[step]()
    except WrongInputError as error:
        print(f"::error title=modlint::{str(error).replace('%', '%25')}")
        return WRONG_USAGE


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
