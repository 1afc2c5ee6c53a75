"""Which rules run: prefixes, names, precedence, file patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.engine.registry import Registry, load_registry
from modlint.errors import UsageError
from modlint.settings.config import Configuration, Settings
from modlint.settings.select import Patterns, select_rules, validate_selectors

CODES = set(load_registry().rules)


def family(prefix: str) -> set[str]:
    return {code for code in CODES if code.startswith(prefix)}


@pytest.fixture(scope="module")
def registry() -> Registry:
    return load_registry()


def selected(registry: Registry, path: str = "a.pt", **settings: object) -> set[str]:
    configuration = Configuration(Settings(**settings), None, Path.cwd())  # type: ignore[arg-type]
    return {rule.code for rule in select_rules(configuration, registry.rules.values(), Path(path))}


def test_all_is_the_base(registry: Registry) -> None:
    assert selected(registry) == set(registry.rules)


@pytest.mark.parametrize(
    ("settings", "codes"),
    [
        ({"select": ("CLU",)}, family("CLU")),
        ({"select": ("dead-neurons",)}, {"NEU001"}),
        (
            {"select": ("CLU", "NUM001"), "ignore": ("CLU002",)},
            family("CLU") - {"CLU002"} | {"NUM001"},
        ),
        ({"select": ("CLU001",), "ignore": ("CLU",)}, {"CLU001"}),
        ({"select": ("CLU001",), "ignore": ("CLU001",)}, set()),
        ({"select": ("NUM",), "extend_select": ("FMT001",)}, family("NUM") | {"FMT001"}),
        ({"select": ("ALL",), "ignore": ("ALL",)}, set()),
    ],
)
def test_the_longest_selector_wins(
    registry: Registry, settings: dict[str, object], codes: set[str]
) -> None:
    assert selected(registry, **settings) == codes


def test_rules_can_be_ignored_by_file(registry: Registry) -> None:
    ignores = {"checkpoints/debug/**": ("CLU", "NUM", "NEU", "SEC", "COV")}
    inside = selected(registry, "checkpoints/debug/x/a.pt", per_file_ignores=ignores)
    assert inside == {
        code for code in registry.rules if code[:3] not in ignores["checkpoints/debug/**"]
    }
    assert selected(registry, "checkpoints/a.pt", per_file_ignores=ignores) == set(registry.rules)


@pytest.mark.parametrize("selector", ["XYZ", "CLU009", "dead-neuron", ""])
def test_an_unknown_selector_is_refused(registry: Registry, selector: str) -> None:
    with pytest.raises(UsageError, match=f"unknown rule selector `{selector}`"):
        validate_selectors(Settings(select=(selector,)), registry.rules)


def test_an_unknown_selector_names_the_nearest(registry: Registry) -> None:
    with pytest.raises(UsageError, match="did you mean `dead-neurons`"):
        validate_selectors(Settings(ignore=("dead-neuron",)), registry.rules)


def test_patterns_are_relative_to_their_root(tmp_path: Path) -> None:
    patterns = Patterns(["third_party/**", "*.tmp.pt"], tmp_path)
    assert patterns.match(tmp_path / "third_party" / "a" / "b.pt")
    assert patterns.match(tmp_path / "x" / "b.tmp.pt")
    assert not patterns.match(tmp_path / "mine" / "b.pt")
    assert not patterns.match(Path("/elsewhere/third_part/b.pt"))


def test_patterns_see_through_parent_folders(tmp_path: Path) -> None:
    assert Patterns(["ckpts/**"], tmp_path).match(tmp_path / "sub" / ".." / "ckpts" / "x.pt")


def test_selecting_nothing_is_refused(registry: Registry) -> None:
    with pytest.raises(UsageError, match="no rule is selected"):
        validate_selectors(Settings(select=()), registry.rules)


def test_the_nearest_selector_is_found_in_any_case(registry: Registry) -> None:
    with pytest.raises(UsageError, match="did you mean `NUM001`"):
        validate_selectors(Settings(select=("num001",)), registry.rules)
