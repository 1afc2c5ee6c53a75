"""Every command of the documentation runs, ends as its page says, and prints what it shows."""

from __future__ import annotations

import difflib
from pathlib import Path

import documented
import pytest
from documented import Block, Command

from documentation.not_run import FINDS, REASONS, STEPS

BLOCKS = {page: list(documented.blocks(page)) for page in documented.pages()}
README = documented.ROOT / "README.md"


def _of_a_newcomer(block: Block) -> bool:
    text = README.read_text(encoding="utf-8")
    begin, end = (text.count("\n", 0, text.index(heading)) for heading in STEPS)
    return block.page == README and begin < block.line < end


COMMANDS = {
    page: [
        (block.place, command)
        for block in blocks
        if not _of_a_newcomer(block)
        for command in block.commands
    ]
    for page, blocks in BLOCKS.items()
}
WITH_COMMANDS = [page for page, commands in COMMANDS.items() if commands]
TEXTS = {command.text for commands in COMMANDS.values() for _, command in commands}


def _id(page: Path) -> str:
    return str(page.relative_to(documented.ROOT))


@pytest.mark.parametrize("page", WITH_COMMANDS, ids=_id)
def test_a_page_runs_from_top_to_bottom(page: Path, project: Path) -> None:
    wrong = [
        problem
        for place, command in COMMANDS[page]
        if command.text not in REASONS
        for problem in _problems(place, command, project)
    ]
    assert not wrong, "\n".join(wrong)


def _problems(place: str, command: Command, folder: Path) -> list[str]:
    done = documented.run(command.text, folder)
    printed = documented.output_of(done, folder)
    wanted = 1 if command.text in FINDS else command.exit_code
    if done.returncode != wanted or "Traceback" in printed:
        return [f"{place}: {command.text}: {done.returncode}, not {wanted}:\n{printed}"]
    if not command.shown:
        return []
    old, new = documented.skeleton(command.shown), documented.skeleton(printed)
    if old[-1:] == ["…"]:
        old, new = old[:-1], new[: len(old) - 1]
    return [f"{place}: {line}" for line in difflib.unified_diff(old, new, lineterm="", n=0)]


@pytest.mark.parametrize("command", [*REASONS, *FINDS])
def test_what_is_excused_is_there(command: str) -> None:
    assert command in TEXTS


def test_prompts_are_marked_as_such() -> None:
    """A block with commands is `console`, so that none escapes the tests."""
    found = [
        block.place
        for blocks in BLOCKS.values()
        for block in blocks
        if block.language in {"", "bash", "sh", "text"}
        and block.code.startswith(("$ ", "modlint ", "python -m "))
    ]
    assert not found


def test_every_block_has_a_language() -> None:
    assert not [b.place for blocks in BLOCKS.values() for b in blocks if not b.language]
