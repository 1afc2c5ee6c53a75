"""Every Python block of the documentation runs, and prints what the page shows below it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import documented
import pytest
from documented import ROOT, Block

from documentation.namespaces import namespace

PROGRAMS = {
    page: [
        block
        for block in documented.blocks(page)
        if block.language == "python" and not block.mark.startswith("excerpt: ")
    ]
    for page in documented.pages()
}
"""An excerpt is part of a file that tests/newcomer compares it with, and runs."""
RULES = ROOT / "rules"


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", [p for p, found in PROGRAMS.items() if found], ids=_id)
def test_a_pages_programs_run(
    page: Path, project: Path, at: Callable[[Path], None], capsys: pytest.CaptureFixture[str]
) -> None:
    at(project)
    names = namespace(page, project)
    names["__name__"] = "__main__"
    for block in PROGRAMS[page]:
        if "def test_" in block.code:
            _as_tests(block, project)
            continue
        capsys.readouterr()
        exec(compile(block.code, block.place, "exec"), names)
        if block.mark == "python":
            assert capsys.readouterr().out.splitlines() == _shown_below(block).splitlines()


def _as_tests(block: Block, folder: Path) -> None:
    """The tests that a page shows pass, as pytest runs them."""
    (folder / "test_documented.py").write_text(block.code, encoding="utf-8")
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_documented.py")
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _shown_below(block: Block) -> str:
    """The block of text behind a program."""
    blocks = list(documented.blocks(block.page))
    below = blocks[blocks.index(block) + 1]
    assert below.language == "text", below.place
    return below.code


@pytest.mark.parametrize(
    "page", [p for p, found in PROGRAMS.items() if found and p.is_relative_to(RULES)], ids=_id
)
def test_a_rules_example_ends_as_its_page_says(
    page: Path, tmp_path: Path, at: Callable[[Path], None]
) -> None:
    at(tmp_path)
    names = namespace(page, tmp_path)
    for block in PROGRAMS[page]:
        exec(compile(block.code, block.place, "exec"), names)
    code = page.read_text(encoding="utf-8").split()[1]
    done = documented.run(f"modlint check -v --isolated --select {code} .", tmp_path)
    printed = documented.skeleton(documented.output_of(done, tmp_path))
    for block in documented.blocks(page):
        if block.language == "text" and f": {code} " in block.code:
            for line in documented.skeleton(block.code):
                assert any(now.startswith(line) for now in printed), (line, printed)
