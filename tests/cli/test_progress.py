"""The line of progress on stderr."""

from __future__ import annotations

import functools
import io
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from modlint.cli.progress import Display, progress_on_stderr


class Terminal(io.StringIO):
    """A terminal that tells when something was drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn = threading.Event()

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        written = super().write(text)
        if "model" in self.getvalue():
            self.drawn.set()
        return written


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", text)


def test_a_long_run_shows_file_step_and_estimate() -> None:
    terminal = Terminal()
    with (
        Display(terminal, visible=True, delay=0) as display,
        display.file(Path("runs/model\x1b.pt"), 1, 3) as progress,
    ):
        progress("shuffling", 20, 50)
        assert terminal.drawn.wait(30)
        progress("shuffling", 25, 50)
    text = plain(terminal.getvalue())
    assert r"2/3 model\x1b.pt: shuffling" in text
    assert re.search(r"25/50.*about \d+ s left", text)
    assert terminal.getvalue().endswith("\x1b[2K")  # the line is erased


def test_a_short_run_draws_nothing() -> None:
    terminal = Terminal()
    with (
        Display(terminal, visible=True, delay=3600) as display,
        display.file(Path("model.pt"), 0, 1) as progress,
    ):
        progress("shuffling", 1, 50)
    assert terminal.getvalue() == ""


@pytest.mark.parametrize("enabled", [True, False])
def test_without_a_terminal_or_when_switched_off_it_is_silent(
    enabled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.StringIO() if enabled else Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setattr("modlint.cli.progress.DELAY", 0)
    before = threading.active_count()
    with (
        progress_on_stderr(enabled=enabled) as file_progress,
        file_progress(Path("model.pt"), 0, 1) as progress,
    ):
        progress("shuffling", 1, 50)
        assert threading.active_count() == before
    assert stream.getvalue() == ""


def test_rich_is_imported_only_when_something_is_drawn() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from modlint.cli.progress import progress_on_stderr\n"
        "with progress_on_stderr(enabled=True) as f, f(Path('m.pt'), 0, 1) as p: p('x', 1, 2)\n"
        "assert not {'rich', 'torch', 'numpy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("variable", ["PRE_COMMIT", "CI"])
def test_what_is_kept_gets_no_line_that_comes_and_goes(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr("modlint.cli.progress.Display", functools.partial(Display, delay=0))
    for name in ("PRE_COMMIT", "CI"):
        monkeypatch.delenv(name, raising=False)
    for value, drawn in (("", True), ("1", False)):
        monkeypatch.setenv(variable, value)
        with progress_on_stderr(enabled=True) as files, files(Path("model.pt"), 0, 1):
            assert terminal.drawn.wait(30 if drawn else 0.5) is drawn
        terminal.drawn.clear()
        terminal.truncate(0)
