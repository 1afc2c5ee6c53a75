"""Renew what README.md and docs show of commands, files and rules, or check that it is still true.

Usage: python scripts/update_readme.py [--check]

A block begins with a mark and ends with ``<!-- end -->``:

``<!-- output: COMMAND -->``
    what a command prints in a folder of the page's own, with the files that pages name
    (`documented_files`)
``<!-- project: COMMAND -->``
    what a command prints in a project that `examples/make_models.py` fills; files whose
    text follows a mark ``<!-- write: NAME -->`` are written there in their turn
``<!-- python -->``
    a program, and below it what it prints
``<!-- file: NAME -->``
    the file
``<!-- rules -->``
    codes and names of all rules, by family

The blocks of a page are run in order. Trained weights differ in their last digits from one
processor to the next, so the check compares the outputs without their numbers, bars and spaces.
"""

from __future__ import annotations

import difflib
import importlib
import json
import re
import shlex
import shutil
import sys
import tempfile
from pathlib import Path

import documented
import documented_files
from documented import ROOT

CHECKPOINTS = ROOT / "examples" / "checkpoints"
STEP = re.compile(
    r"<!-- project: (?P<command>.+?) -->\n.*?<!-- end -->"
    r"|<!-- write: (?P<name>.+?) -->\n\n```\w+\n(?P<text>.*?)```",
    re.DOTALL,
)
RULES = re.compile(r"<!-- rules -->\n.*?<!-- end -->", re.DOTALL)
BLOCK = re.compile(
    r"<!-- (?P<kind>output|file): (?P<what>[^\n]+?) -->\n(?:(?!<!-- end).)*?<!-- end -->"
    r"|<!-- python -->\n\n```python\n(?P<code>.*?)```\n(?:(?!<!-- end).)*?<!-- end -->",
    re.DOTALL,
)


def _printed(command: str, folder: Path, *, both: bool = True) -> str:
    done = documented.run(command, folder, both=both)
    if done.returncode not in (0, 1) or "Traceback" in f"{done.stdout}{done.stderr}":
        sys.exit(f"{command}: exit code {done.returncode}: {done.stdout}{done.stderr}")
    return documented.output_of(done, folder)


def replayed(text: str) -> str:
    """The text with what its steps print now, one after the other in a fresh project."""
    sys.path.insert(0, str(ROOT / "examples"))
    with tempfile.TemporaryDirectory() as folder:
        project = Path(folder).resolve() / "project"
        importlib.import_module("make_models").main(project / "models")

        def step(block: re.Match[str]) -> str:
            command = block["command"]
            if command is None:
                (project / block["name"]).parent.mkdir(parents=True, exist_ok=True)
                (project / block["name"]).write_text(block["text"], encoding="utf-8")
                return block[0]
            shown = f"$ {command}\n{_printed(command, project, both=False)}".strip()
            return f"<!-- project: {command} -->\n\n```console\n{shown}\n```\n\n<!-- end -->"

        return STEP.sub(step, text)


def listed(_: re.Match[str]) -> str:
    """A table of the rules."""
    rules = json.loads(_printed("modlint rules --output-format json", ROOT, both=False))
    families: dict[str, list[str]] = {}
    for rule in rules:
        families.setdefault(rule["code"][:3], []).append(f"{rule['code'][3:]} {rule['name']}")
    plugins = (ROOT / "rules" / "modlint_rules").glob("*/__init__.py")
    begun = (plugin.read_text(encoding="utf-8").partition("\n")[0] for plugin in plugins)
    about = {line[3:6]: line[8:].strip('".') for line in begun}
    rows = [
        f"| `{family}` | {about[family]} | {', '.join(names)} |"
        for family, names in families.items()
    ]
    table = "\n".join(["| family | is about | rules |", "|---|---|---|", *rows])
    return f"<!-- rules -->\n\n{table}\n\n<!-- end -->"


def renewed(block: re.Match[str], folder: Path) -> str:
    """The block with what its command or program prints, or its file holds, now."""
    if block["code"] is not None:
        return _program(block["code"], folder)
    what = block["what"]
    if block["kind"] == "file":
        content = (ROOT / what).read_text(encoding="utf-8")
        shown = f"```{Path(what).suffix[1:]}\n{content}```"
    else:
        shown = f"```console\n$ {what}\n{_printed(what, folder)}\n```"
    return f"<!-- {block['kind']}: {what} -->\n\n{shown}\n\n<!-- end -->"


def _program(code: str, folder: Path) -> str:
    printed = _printed(f"python -c {shlex.quote(code)}", folder)
    shown = f"```python\n{code}```\n\n```text\n{printed}\n```"
    return f"<!-- python -->\n\n{shown}\n\n<!-- end -->"


def main(*, check: bool) -> int:
    """Write the pages anew, or say where they are no longer true."""
    stale = 0
    with tempfile.TemporaryDirectory() as scratch:
        documented_files.write(Path(scratch, "files"), CHECKPOINTS)
        for number, page in enumerate(documented.pages()):
            old = new = page.read_text(encoding="utf-8")
            if STEP.search(new):
                new = replayed(new)
            if BLOCK.search(new):
                folder = Path(scratch, str(number))
                shutil.copytree(Path(scratch, "files"), folder)
                new = BLOCK.sub(lambda block, folder=folder: renewed(block, folder), new)
            new = RULES.sub(listed, new)
            if check:
                stale += _checked(page, old, new)
            elif new != old:
                page.write_text(new, encoding="utf-8")
    return int(stale > 0)


def _checked(page: Path, old: str, new: str) -> bool:
    """Print what is no longer true."""
    name = str(page.relative_to(ROOT))
    before, now = documented.skeleton(old), documented.skeleton(new)
    changes = list(difflib.unified_diff(before, now, name, "now", lineterm=""))
    if changes:
        print(*changes, f"{name} shows old output: run `make readme`", sep="\n")
    return bool(changes)


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
