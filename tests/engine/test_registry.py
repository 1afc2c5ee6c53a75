"""Plugins: found, disabled, broken, in conflict."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from modlint import hookspecs
from modlint.engine.registry import Registry, load_registry

RULE = """
    from modlint import hookimpl
    from modlint.rule import Rule
    from modlint.verdict import Severity

    class Extra(Rule):
        code = "{code}"
        name = "{name}"
        summary = "says nothing"
        severity = Severity.NOTE
        source = "none"

    @hookimpl
    def modlint_rules():
        return [Extra]
"""


def load_all() -> Registry:
    registry = load_registry()
    registry.load_all()
    return registry


Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution of one module whose entry point is in modlint's group."""

    def install(module: str, text: str) -> None:
        (tmp_path / f"{module}.py").write_text(textwrap.dedent(text))
        info = tmp_path / f"{module}-2.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 2.5\n")
        (info / "entry_points.txt").write_text(f"[modlint]\nmain = {module}\n")
        monkeypatch.syspath_prepend(tmp_path)

    return install


def test_own_plugins_load_without_problems() -> None:
    registry = load_all()
    assert registry.problems == []
    assert {"modlint_plugins", "modlint_rules"} <= registry.versions.keys()
    assert {"CLU001", "CLU002", "NEU001", "NUM001", "FMT001", "FMT002", "SEC001", "COV001"} <= (
        registry.rules.keys()
    )
    assert {reader.name for reader in registry.readers} >= {"torch-zip", "safetensors", "onnx"}
    assert registry.reporters.keys() >= {"full", "concise", "json"}


def test_a_plugin_adds_its_rule(install: Install) -> None:
    install("adds_a_rule", RULE.format(code="XYZ001", name="extra"))
    registry = load_all()
    assert "XYZ001" in registry.rules
    assert registry.versions["adds_a_rule"] == "2.5"


def test_a_plugin_that_fails_to_import_is_reported(install: Install) -> None:
    install("fails_to_import", "raise RuntimeError('no luck')")
    registry = load_all()
    assert any("fails_to_import" in p and "no luck" in p for p in registry.problems)
    assert "fails_to_import" not in registry.versions
    assert "NUM001" in registry.rules


def test_a_plugin_that_fails_in_its_hook_is_reported(install: Install) -> None:
    install(
        "fails_in_hook",
        """
        from modlint import hookimpl

        @hookimpl
        def modlint_rules():
            import a_module_that_does_not_exist
        """,
    )
    problems = load_all().problems
    assert any("fails_in_hook failed in modlint_rules" in problem for problem in problems)


def test_an_unknown_hook_is_reported(install: Install) -> None:
    install(
        "unknown_hook",
        """
        from modlint import hookimpl

        @hookimpl
        def modlint_ruls():
            return []
        """,
    )
    assert any("unknown_hook" in problem for problem in load_all().problems)


@pytest.mark.parametrize(("code", "name"), [("NUM001", "another"), ("XYZ001", "non-finite")])
def test_a_duplicate_rule_is_refused(install: Install, code: str, name: str) -> None:
    install("duplicate_rule", RULE.format(code=code, name=name))
    registry = load_all()
    assert any("duplicate_rule is refused" in problem for problem in registry.problems)
    assert registry.rules["NUM001"].name == "non-finite"
    assert "XYZ001" not in registry.rules


@pytest.mark.parametrize("value", ["disabled_one", "other, disabled_one"])
def test_plugins_can_be_disabled(
    install: Install, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    install("disabled_one", "raise RuntimeError('imported')")
    monkeypatch.setenv("MODLINT_DISABLE_PLUGINS", value)
    registry = load_all()
    assert registry.problems == []
    (plugin,) = [p for p in registry.plugins if p.module == "disabled_one"]
    assert plugin.problem == "disabled by MODLINT_DISABLE_PLUGINS"


def test_a_whole_distribution_can_be_disabled(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODLINT_DISABLE_PLUGINS", "modlint")
    assert load_all().rules == {}


def test_every_hook_says_what_it_is_for_and_since_when() -> None:
    hooks = [name for name in vars(hookspecs) if name.startswith("modlint_")]
    assert len(hooks) == 6
    for hook in hooks:
        assert "Since 0." in (getattr(hookspecs, hook).__doc__ or "")


def test_a_rule_that_lacks_what_rules_have_is_refused(install: Install) -> None:
    install("half_a_rule", RULE.replace("name =", "nome =").format(code="XYZ001", name="extra"))
    registry = load_all()
    assert any("half_a_rule" in p and "lacks name" in p for p in registry.problems)
    assert "XYZ001" not in registry.rules
