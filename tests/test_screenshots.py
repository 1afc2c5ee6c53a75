"""The pictures of a terminal: the script renews each, and each shows what its command does."""

from __future__ import annotations

import importlib
import re
import shlex
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree

import pytest

from modlint.cli.parser import build_parser

ROOT = Path(__file__).resolve().parents[1]
PICTURES = ROOT / "docs" / "terminal"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    return importlib.import_module("screenshots")


def names(script: ModuleType) -> dict[str, str]:
    """Commands by name of each picture that the script draws."""
    return {
        f"{name}-{columns}-{theme}": command
        for name, command in script.COMMANDS.items()
        for columns in script.WIDTHS
        for theme in script.THEMES
    }


def test_the_script_renews_every_picture_and_pages_show_them(script: ModuleType) -> None:
    assert {path.stem for path in PICTURES.iterdir()} == set(names(script))
    pages = "".join((ROOT / name).read_text() for name in ("README.md", "docs/terminal.md"))
    shown = set(re.findall(r"terminal/([a-z0-9-]+)\.svg", pages))
    assert shown <= set(names(script))
    assert {name.split("-80-")[0].split("-120-")[0] for name in shown} == set(script.COMMANDS)
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 1e6


def test_each_shows_the_command_that_draws_it(script: ModuleType) -> None:
    for name, command in names(script).items():
        build_parser().parse_args(shlex.split(command)[1:])
        texts = ElementTree.parse(PICTURES / f"{name}.svg").iter("{http://www.w3.org/2000/svg}text")
        first = next(iter(texts)).text
        assert first is not None
        assert f"$ {command}".startswith(first)


def test_what_a_terminal_shows_is_drawn(script: ModuleType, tmp_path: Path) -> None:
    text = script.printed("modlint help rules", 60, tmp_path)
    assert text.startswith("$ modlint help rules\nusage: modlint rules")
    svg = script.drawn("\x1b[1;31merror\x1b[0m <&>  far " + "x" * 30, 20, script.THEMES["light"])
    drawn = list(ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"))
    assert [part.text for part in drawn] == ["error", "<&>", "far xxxxx", "x" * 20, "x" * 5]
    assert drawn[0].get("fill") == "#cd3131"
    assert drawn[0].get("font-weight") == "bold"
