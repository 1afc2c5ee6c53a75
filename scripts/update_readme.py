"""Renew what README.md shows of commands, files and rules, or check that it is still true.

Usage: python scripts/update_readme.py [--check]

A block begins with a mark and ends with ``<!-- end -->``:

``<!-- output: COMMAND -->``
    what a modlint command prints in this repository
``<!-- project: COMMAND -->``
    what a shell's command prints in a project that `examples/make_models.py` fills; files whose
    text follows a mark ``<!-- write: NAME -->`` are written there in their turn
``<!-- python -->``
    a program, and below it what it prints
``<!-- file: NAME -->``
    the file
``<!-- rules -->``
    codes and names of all rules, by family

Trained weights differ in their last digits from one processor to the next, so the check compares
the outputs without their numbers, bars and spaces.
"""

from __future__ import annotations

import difflib
import importlib
import json
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
STEP = re.compile(
    r"<!-- project: (?P<command>.+?) -->\n.*?<!-- end -->"
    r"|<!-- write: (?P<name>.+?) -->\n\n```\w+\n(?P<text>.*?)```",
    re.DOTALL,
)
RULES = re.compile(r"<!-- rules -->\n.*?<!-- end -->", re.DOTALL)
BLOCK = re.compile(r"<!-- output: (?P<command>.+?) -->\n.*?<!-- end -->", re.DOTALL)
FILE = re.compile(r"<!-- file: (?P<name>.+?) -->\n.*?<!-- end -->", re.DOTALL)
PROGRAM = re.compile(r"<!-- python -->\n\n```python\n(?P<code>.*?)```\n.*?<!-- end -->", re.DOTALL)
VARYING = re.compile(r"(?<![A-Za-z\d])[-+]?\d[\d.,]*(?:e[-+]?\d+)?|[▁-█╌─━╸┃│╱▶·]")
SETTINGS = {"COLUMNS": "80", "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}


def output_of(command: str) -> str:
    """What a modlint command prints on a terminal of 80 columns without colour."""
    _, *arguments = shlex.split(command)
    modlint = Path(sys.executable).with_name("modlint")
    return _printed([modlint, *arguments], command)


def _printed(command: list[str | Path], name: str, folder: Path = ROOT) -> str:
    found = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    done = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | SETTINGS | {"PATH": found},
        capture_output=True,
        text=True,
    )
    if done.returncode not in (0, 1) or "Traceback" in done.stderr:
        sys.exit(f"{name}: exit code {done.returncode}: {done.stderr}")
    return "\n".join(line.rstrip() for line in done.stdout.strip("\n").splitlines())


def renew(block: re.Match[str]) -> str:
    """The block with what its command prints now."""
    command = block["command"]
    shown = f"```console\n$ {command}\n{output_of(command)}\n```"
    return f"<!-- output: {command} -->\n\n{shown}\n\n<!-- end -->"


def replay(text: str) -> str:
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
            shown = f"$ {command}\n{_printed(['bash', '-c', command], command, project)}".strip()
            return f"<!-- project: {command} -->\n\n```console\n{shown}\n```\n\n<!-- end -->"

        return STEP.sub(step, text)


def listed(_: re.Match[str]) -> str:
    """A table of the rules."""
    rules = json.loads(output_of("modlint rules --output-format json"))
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


def rerun(block: re.Match[str]) -> str:
    """The program with what it prints now."""
    printed = _printed([sys.executable, "-c", block["code"]], "a program")
    shown = f"```python\n{block['code']}```\n\n```text\n{printed}\n```"
    return f"<!-- python -->\n\n{shown}\n\n<!-- end -->"


def reread(block: re.Match[str]) -> str:
    """The block with what its file holds now."""
    name = Path(block["name"])
    content = (ROOT / name).read_text(encoding="utf-8")
    shown = f"```{name.suffix[1:]}\n{content}```"
    return f"<!-- file: {name} -->\n\n{shown}\n\n<!-- end -->"


def skeleton(text: str) -> list[str]:
    """Lines without what may vary."""
    return [" ".join(VARYING.sub(" ", line).split()) for line in text.splitlines()]


def main(*, check: bool) -> int:
    """Write the README anew, or say where it is no longer true."""
    old = README.read_text(encoding="utf-8")
    new = FILE.sub(reread, PROGRAM.sub(rerun, BLOCK.sub(renew, replay(old))))
    new = RULES.sub(listed, new)
    if not check:
        README.write_text(new, encoding="utf-8")
        return 0
    changes = list(
        difflib.unified_diff(skeleton(old), skeleton(new), "README.md", "now", lineterm="")
    )
    if changes:
        print(*changes, "README.md shows old output: run `make readme`", sep="\n")
    return int(bool(changes))


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
