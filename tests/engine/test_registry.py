"""Plugins: found, disabled, broken, in conflict."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from support import no_progress

from modlint import hookspecs
from modlint.engine.registry import Registry, load_registry
from modlint.engine.run import check
from modlint.rule_reference import RuleReference
from modlint.settings.config import Configuration, Settings

RULE = """
    from modlint import hookimpl
    from modlint.rule_reference import RuleReference
    from modlint.verdict import Severity

    @hookimpl
    def modlint_rules():
        known = dict(code="{code}", name="{name}", summary="says nothing", source="none")
        return [RuleReference(**known, severity=Severity.NOTE, place="{place}:Extra")]
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
    install("adds_a_rule", RULE.format(code="XYZ001", name="extra", place="somewhere"))
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
    install("duplicate_rule", RULE.format(code=code, name=name, place="duplicate_rule"))
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


def test_a_class_in_the_place_of_a_reference_is_refused(install: Install) -> None:
    text = """
        from modlint import hookimpl
        from modlint.rule import Rule

        class Extra(Rule):
            code, name, summary, severity, source = "XYZ001", "extra", "", "note", ""

        @hookimpl
        def modlint_rules():
            return [Extra]
    """
    install("half_a_rule", text)
    registry = load_all()
    assert any("half_a_rule" in p and "lacks place" in p for p in registry.problems)
    assert "XYZ001" not in registry.rules


def test_a_rule_is_imported_when_it_is_selected(install: Install, tmp_path: Path) -> None:
    install("refers_to_nothing", RULE.format(code="XYZ001", name="extra", place="not_there"))
    path = tmp_path / "model.bin"
    path.write_bytes(b"no weights here")
    settings = (Settings(select=("FMT",)), Settings(select=("FMT", "XYZ001")))
    configurations = (Configuration(each, None, tmp_path) for each in settings)
    others, both = (check([path], each, load_all(), no_progress) for each in configurations)
    assert not others.run.problems
    (problem,) = both.run.problems
    assert problem.startswith("rule XYZ001 of not_there: ModuleNotFoundError")
    assert both.run.exit_code == 2
    assert both.files == others.files


def test_references_are_true_to_their_classes() -> None:
    for reference in load_all().rules.values():
        rule = reference.load()
        for field in msgspec.structs.fields(RuleReference):
            if hasattr(rule, field.name):
                told, held = getattr(reference, field.name), getattr(rule, field.name)
                assert told == held, f"{reference.code}: {field.name}"
        assert reference.place == f"{rule.__module__}:{rule.__name__}"


@pytest.mark.parametrize("command", [("rules",), ("check", "--select", "SEC007,FMT002", "empty")])
def test_only_what_is_selected_is_imported(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    script = "import sys, modlint.cli as cli; cli.main(sys.argv[1:]); print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", script, *command],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    modules = run.stdout.rpartition("\n")[0].split()
    parts = [module.split(".") for module in modules if module.startswith("modlint_rules.")]
    rules = {names[2] for names in parts if len(names) == 3 and names[1] != "base"}
    assert rules == ({"path_escape", "lfs_pointer"} if command[0] == "check" else set())
