"""`modlint init`: a configuration that says what it is, and takes nobody's away."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from modlint.cli import main
from modlint.engine.registry import load_registry
from modlint.settings.config import Settings, load_config
from modlint.settings.profiles import PROFILES
from modlint.settings.rule_settings import instantiate
from modlint.settings.select import selected_somewhere, validate_selectors

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def every_setting(text: str) -> dict[str, Any]:
    """The file as it is when all that is commented out is not."""
    return tomllib.loads(re.sub(r'^# (?=[\w"-]+ = |\[)', "", text, flags=re.MULTILINE))


def test_it_writes_what_it_prints(folder: Path, capsys: Capture) -> None:
    assert main(["init"]) == 0
    printed = capsys.readouterr().out
    text = (folder / "modlint.toml").read_text()
    assert printed.startswith(text)
    assert printed.removeprefix(text).startswith("\n# ^ modlint.toml was written.")
    assert all(len(line) <= 100 for line in printed.splitlines())
    assert load_config(folder / "modlint.toml").settings == Settings()


def test_every_setting_is_there_at_its_default(folder: Path) -> None:
    assert main(["init"]) == 0
    table = every_setting((folder / "modlint.toml").read_text())
    fields = {field.encode_name: field for field in msgspec.structs.fields(Settings)}
    assert set(table) == set(fields)
    unset = {"min-severity", "baseline", "baseline-model"}
    plain = msgspec.to_builtins(Settings())
    for name in set(fields) - unset - {"per-file-ignores", "networks", "rules"}:
        value = plain[name]
        assert table[name] == (list(value) if isinstance(value, tuple) else value)
    for name in unset:
        assert plain[name] is None


@pytest.mark.parametrize("profile", PROFILES)
def test_a_profile_is_what_its_name_says(profile: str, folder: Path) -> None:
    assert main(["init", "--profile", profile]) == 0
    rules = load_registry().rules
    settings = load_config(folder / "modlint.toml").settings
    validate_selectors(settings, rules)
    wanted = selected_somewhere(Settings(select=(profile,)), rules.values())
    assert selected_somewhere(settings, rules.values()) == wanted
    assert settings.fail_on == ("warning" if profile == "release" else "error")


@pytest.mark.parametrize("profile", PROFILES)
def test_what_a_profile_sets_of_rules_is_there(profile: str, folder: Path) -> None:
    assert main(["init", "--profile", profile]) == 0
    table = every_setting((folder / "modlint.toml").read_text())
    for code, options in PROFILES[profile].rules.items():
        assert table["rules"][code] == options
    (folder / "whole.toml").write_text("")
    failures: list[str] = []
    options = {"rules": {k: v for k, v in table["rules"].items() if k != "not-clusterable"}}
    settings = load_config(folder / "whole.toml", flags={"select": [profile], **options}).settings
    without = Settings(select=(profile,))
    rules = load_registry().rules
    assert {
        code: (rule.options, rule.configured_severity)
        for code, rule in instantiate(rules, settings, failures).items()
    } == {
        code: (rule.options, rule.configured_severity)
        for code, rule in instantiate(rules, without, failures).items()
    }
    assert not failures


def test_the_examples_in_it_are_accepted(folder: Path) -> None:
    assert main(["init"]) == 0
    file = folder / "modlint.toml"
    text = re.sub(r'^# (?=[\w"-]+ = |\[)', "", file.read_text(), flags=re.MULTILINE)
    file.write_text(text)
    settings = load_config(file).settings
    failures: list[str] = []
    validate_selectors(settings, load_registry().rules)
    assert instantiate(load_registry().rules, settings, failures)
    assert not failures


def test_a_file_that_is_there_stays(folder: Path, capsys: Capture) -> None:
    (folder / "modlint.toml").write_text("strict = true\n")
    assert main(["init"]) == 2
    assert "modlint.toml is there already; --force writes over it" in capsys.readouterr().err
    assert (folder / "modlint.toml").read_text() == "strict = true\n"
    assert main(["init", "--force", "--profile", "safety"]) == 0
    assert load_config(folder / "modlint.toml").settings.select == ("safety",)


def test_a_link_is_not_followed(folder: Path, tmp_path: Path) -> None:
    (folder / "modlint.toml").symlink_to(tmp_path / "elsewhere.toml")
    assert main(["init"]) == 2
    assert not (tmp_path / "elsewhere.toml").exists()


def test_settings_of_a_project_are_not_hidden(folder: Path, capsys: Capture) -> None:
    (folder / "pyproject.toml").write_text('[tool.modlint]\nselect = ["NUM"]\n')
    assert main(["init"]) == 2
    assert "pyproject.toml has settings" in capsys.readouterr().err
    assert not (folder / "modlint.toml").exists()
    (folder / "sub").mkdir()
    (folder / "pyproject.toml").write_text("[tool.other]\n")
    assert main(["init"]) == 0


def test_a_profile_that_is_none_is_refused(folder: Path) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["init", "--profile", "speed"])
    assert ended.value.code == 2
    assert not list(folder.iterdir())
