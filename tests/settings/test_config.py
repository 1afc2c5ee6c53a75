"""Settings: sources, precedence, and how a wrong one is reported."""

from __future__ import annotations

from pathlib import Path

import pytest

from modlint.errors import UsageError
from modlint.settings.config import Settings, find_config, load_config
from modlint.verdict import Severity


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_the_nearest_file_wins_and_none_is_merged(tmp_path: Path) -> None:
    write(tmp_path / "modlint.toml", 'ignore = ["NUM"]\nstrict = true\n')
    near = write(tmp_path / "a" / "pyproject.toml", '[tool.modlint]\nignore = ["CLU"]\n')
    start = tmp_path / "a" / "b"
    start.mkdir()
    assert find_config(start) == near
    settings = load_config(near).settings
    assert settings.ignore == ("CLU",)
    assert not settings.strict


def test_a_pyproject_without_a_table_is_passed_over(tmp_path: Path) -> None:
    far = write(tmp_path / "modlint.toml", "")
    write(tmp_path / "a" / "pyproject.toml", "[tool.ruff]\nline-length = 80\n")
    assert find_config(tmp_path / "a") == far


def test_overrides_beat_the_file_and_flags_beat_both(tmp_path: Path) -> None:
    file = write(tmp_path / "modlint.toml", 'fail-on = "note"\nseed = 1\nmin-severity = "note"\n')
    config = load_config(file, ["seed=2", "fail-on=warning"], {"fail-on": "never"})
    assert config.settings.seed == 2
    assert config.settings.fail_on == "never"
    assert config.settings.min_severity is Severity.NOTE
    assert config.root == tmp_path


def test_an_override_reaches_a_rule(tmp_path: Path) -> None:
    config = load_config(None, ["rules.not-clusterable.shuffles=200", "rules.a.b=x"])
    assert config.settings.rules == {"not-clusterable": {"shuffles": 200}, "a": {"b": "x"}}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('selct = ["ALL"]', "unknown key `selct`; did you mean `select`?"),
        ('fail-on = "fatal"', "invalid enum value 'fatal'"),
        ("strict = 3", "expected `bool`, got `int`"),
        ("seed = -1", "expected `int` >= 0"),
        ('[[networks]]\nfile = "x"', "networks: unknown key `file`; did you mean `files`?"),
        ("strict = ", "is not valid TOML"),
        ("a = " + "[" * 20_000, "is nested too deeply"),
        ("networks = 5", "expected `array`, got `int`"),
        ('[[networks]]\nfiles = "x"\nactivation = "rleu"', "invalid enum value 'rleu'"),
    ],
)
def test_a_wrong_setting_names_file_and_key(tmp_path: Path, text: str, message: str) -> None:
    file = write(tmp_path / "modlint.toml", text)
    with pytest.raises(UsageError) as error:
        load_config(file)
    assert str(file) in str(error.value)
    assert message in str(error.value)


def test_an_override_without_a_value_is_refused() -> None:
    with pytest.raises(UsageError, match="not of the form KEY=VALUE"):
        load_config(None, ["no-such-file.toml"])


def test_an_override_cannot_descend_into_a_value() -> None:
    with pytest.raises(UsageError, match="`seed` holds a value"):
        load_config(None, ["seed=1", "seed.x=2"])


def test_every_setting_is_described() -> None:
    for name, annotation in Settings.__annotations__.items():
        assert "describe(" in annotation, f"{name} has no description"


@pytest.mark.parametrize("text", ["tool = 3", "[tool]\nmodlint = 3"])
def test_a_table_that_is_none_is_named(tmp_path: Path, text: str) -> None:
    file = write(tmp_path / "pyproject.toml", text)
    with pytest.raises(UsageError, match="holds a value, not a table"):
        load_config(file)
