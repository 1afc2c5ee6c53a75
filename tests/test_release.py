"""What a release says of itself: versions, changelog, and the pages that an index shows."""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import modlint
from modlint.engine.registry import load_registry

ROOT = Path(__file__).resolve().parents[1]
CHANGELOG = (ROOT / "CHANGELOG.md").read_text("utf-8")
VERSIONS = re.findall(r"^## \[(.+?)\]", CHANGELOG, re.MULTILINE)
KINDS = {"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
FENCED = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("release")


def project(folder: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = tomllib.loads((folder / "pyproject.toml").read_text("utf-8"))
    return loaded["project"]  # type: ignore[no-any-return]


def test_all_have_one_version_and_fit(script: ModuleType) -> None:
    assert list(script.FOLDERS) == ["modlint", "modlint-train", "modlint-example"]
    major, minor = map(int, VERSIONS[1].split(".")[:2])
    for name, folder in script.FOLDERS.items():
        if name != "modlint":
            assert project(folder)["version"] == modlint.__version__
            fits = f">={major}.{minor},<{major}.{minor + 1}"
            assert any(need.endswith(fits) for need in project(folder)["dependencies"])


def test_what_is_not_published_cannot_be(script: ModuleType) -> None:
    for name, folder in script.FOLDERS.items():
        private = "Private :: Do Not Upload" in project(folder)["classifiers"]
        assert private is (name not in script.PUBLISHED)


def test_each_brings_the_licence(script: ModuleType) -> None:
    text = (ROOT / "LICENSE").read_text("utf-8")
    for folder in script.FOLDERS.values():
        assert (folder / "LICENSE").read_text("utf-8") == text
        assert project(folder)["license-files"] == ["LICENSE"]


def test_the_changelog_keeps_its_form() -> None:
    assert VERSIONS[0] == "Unreleased"
    numbers = [tuple(map(int, version.split("."))) for version in VERSIONS[1:]]
    assert numbers == sorted(numbers, reverse=True)
    assert modlint.__version__ == VERSIONS[1]
    for section in re.split(r"^## ", CHANGELOG, flags=re.MULTILINE)[1:]:
        kinds = re.findall(r"^### (.+)$", section, re.MULTILINE)
        assert set(kinds) <= KINDS
        assert len(kinds) == len(set(kinds))


def test_the_changelog_names_every_rule() -> None:
    named = " ".join(CHANGELOG.split())
    own = [rule for rule in load_registry().rules.values() if rule.module[:14] == "modlint_rules."]
    assert len(own) > 60
    assert [rule.code for rule in own if f"{rule.code} {rule.name}" not in named] == []


@pytest.mark.parametrize(
    ("tag", "changelog", "said"),
    [
        ("v9.9.9", "## [0.2.0] - 2026-01-01\n", "is not v0.2.0"),
        ("0.2.0", "## [0.2.0] - 2026-01-01\n", "is not v0.2.0"),
        ("v0.2.0", "## [0.2.0]\n", "no day"),
    ],
)
def test_a_wrong_tag_is_refused(
    tag: str, changelog: str, said: str, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(script, "changelog", lambda: changelog)
    with pytest.raises(script.WrongReleaseError, match=said):
        script.check_tag(tag, "0.2.0")


def test_the_tests_run_where_no_package_lies(script: ModuleType, tmp_path: Path) -> None:
    if not (ROOT / ".git").exists():
        pytest.skip("what git tracks is known in a clone only")
    script.copy(tmp_path)
    assert (tmp_path / "tests" / "test_release.py").is_file()
    packages = {Path(package).name for package in script.PACKAGES}
    assert not [path for path in tmp_path.rglob("*") if path.name in packages]


@pytest.fixture(params=["modlint", "modlint-train"])
def page(request: pytest.FixtureRequest, script: ModuleType) -> tuple[str, str]:
    """README.md of a distribution, and what an index shows of it."""
    folder = script.FOLDERS[request.param]
    command = [sys.executable, "-m", "hatchling", "metadata", "readme"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return (folder / "README.md").read_text("utf-8"), done.stdout


def test_no_link_leads_nowhere_on_an_index(page: tuple[str, str]) -> None:
    written, shown = page
    assert FENCED.findall(shown) == FENCED.findall(written)
    links = re.findall(r"\]\(([^)]+)\)", FENCED.sub("", shown))
    assert all(link.startswith("https://") for link in links)
    prose = FENCED.sub("", written)
    for text, target in re.findall(r"(?<!!)\[([^\]]+)\]\(([^)]+)\)", prose):
        assert text in shown, target
