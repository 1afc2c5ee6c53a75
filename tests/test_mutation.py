"""Mutation testing of the code: the mutants, the tests that are asked, and what is written."""

from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.mutation.ledger import Ledger, report
from benchmarks.mutation.mutants import Mutant, mutants, sample
from benchmarks.mutation.selection import Suite
from benchmarks.mutation.tracing import TOLD_TO, instrument

ROOT = Path(__file__).resolve().parents[1]

SOURCE = '''\
"""A module."""

from __future__ import annotations

LISTED = frozenset({("os", "path"), ("a", "b")})


def bounded(value: int = 3) -> int | None:
    """Docstrings stay."""
    if value <= 4 and not value == 2:
        return value + 1
    return None


def empty() -> None:
    """No more than this."""
'''


@pytest.fixture
def module(tmp_path: Path) -> Path:
    path = tmp_path / "rules" / "module.py"
    path.parent.mkdir()
    path.write_text(SOURCE)
    return path


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("x = a < b", {"x = (a >= b)", "x = (a <= b)"}),
        ("x = a is None", {"x = (a is not None)"}),
        ("x = a and b", {"x = (a or b)", "x = (a)", "x = (b)"}),
        ("x = not (a or b) and c", {"x = (a or b) and c", "x = not (a and b) and c"}),
        ("x = 7", {"x = 8", "x = 6"}),
        ("x = b'PK'", {'x = b""'}),
        ("x = 'one two'", {'x = ""', "x = 'one'", "x = 'two'"}),
        ("x = {'a': y, 'b': y}", {"x = {'a': y}", "x = {'b': y}"}),
        ("x = f(y, z=w)", {"x = f(y)"}),
        ("x: int | None = y | z", {"x: int | None = (y & z)"}),
        ("f(x)", {"pass"}),
        ("x += y", {"x = y"}),
        ("x = [y for y in z if y]", {"x = [y for y in z if True]"}),
    ],
)
def test_what_a_statement_is_changed_into(
    statement: str, expected: set[str], tmp_path: Path
) -> None:
    path = tmp_path / "module.py"
    path.write_text(statement)
    changed = {_plain(m.apply(path.read_bytes()).decode()) for m in mutants(tmp_path, path)}
    assert set(map(_plain, expected)) <= changed


def _plain(source: str) -> str:
    """Without brackets and quotation marks that say nothing."""
    return ast.unparse(ast.parse(source))


def test_texts_about_the_code_and_types_are_left_alone(module: Path) -> None:
    found = mutants(module.parents[1], module)
    assert {m.original for m in found if m.operator == "empty string"} == {
        '"os"', '"path"', '"a"', '"b"',
    }  # fmt: skip
    assert not [m for m in found if "int" in m.original and m.line == 8]


@pytest.mark.parametrize("name", ["pickling/operations/objects.py", "pickling/opcodes/table.py"])
def test_every_mutant_of_a_module_is_python_and_differs(name: str) -> None:
    path = ROOT / "plugins/modlint_plugins" / name
    content = path.read_bytes()
    found = mutants(ROOT, path)
    assert len(found) > 50
    assert len({m.id for m in found}) == len(found)
    broken = [m for m in found if not m.compiles(content)]
    assert not broken, broken[:3]


def test_the_same_seed_draws_the_same_mutants_of_different_lines() -> None:
    files = sorted((ROOT / "rules/modlint_rules/safety").glob("*.py"))
    drawn = sample(ROOT, files, 12, seed=5)
    assert drawn == sample(ROOT, files, 12, seed=5)
    assert drawn != sample(ROOT, files, 12, seed=6)
    assert len({(m.path, m.line) for m in drawn}) == len(drawn) == 12


def test_code_tells_the_blocks_that_it_executes(module: Path) -> None:
    root = module.parents[1]
    blocks = {m.original: m.block for m in mutants(root, module)}
    instrument(root, [module])
    told = root / "told"
    run = subprocess.run(
        [sys.executable, "-c", "import module; print(module.bounded(9), module.empty.__doc__)"],
        env=os.environ | {"PYTHONPATH": f"{root}:{module.parent}", TOLD_TO: str(told)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "None No more than this.\n"
    met = set(told.read_text().split())
    assert blocks["value <= 4"] in met
    assert blocks["value + 1"] not in met
    assert blocks['"os"'] is None


def test_tests_are_asked_that_execute_the_block_and_the_quickest_first(module: Path) -> None:
    root = module.parents[1]
    user = root / "rules" / "user.py"
    user.write_text("from module import LISTED\n\n\ndef uses():\n    return LISTED\n")
    by_text = {m.original: m for m in mutants(root, module)}
    block = by_text["value <= 4"].block
    record = {
        "tests": {
            "slow": {"seconds": 9.0, "blocks": [block]},
            "quick": {"seconds": 0.1, "blocks": [block]},
            "of the user": {"seconds": 0.2, "blocks": ["rules/user.py:5:4"]},
            "of another": {"seconds": 0.1, "blocks": ["rules/other.py:1:4"]},
        },
        "failed": [],
    }
    tests = Suite(root, record)
    asked = tests.of(by_text["value <= 4"])
    assert tests.in_turns(asked) == [{"quick": 0.1}, {"slow": 9.0}]
    assert tests.of(by_text["value + 1"]) == []
    assert tests.of(by_text['"os"']) == ["quick", "of the user", "slow"]


def test_reasons_stay_and_the_report_gives_what_was_not_noticed(
    module: Path, tmp_path: Path
) -> None:
    first, *_, last = mutants(module.parents[1], module)
    path = tmp_path / "mutation.json"
    _note(path, first, last)
    kept = json.loads(path.read_text())
    for told in kept["mutants"]:
        told["reason"] = "It is the same." if told["id"] == last.id else ""
    path.write_text(json.dumps(kept))
    ledger = _note(path, first, last)
    assert ledger.share_noticed == 0.5
    text = "\n".join(report(ledger, "Described."))
    assert "50.0% noticed" in text
    assert "It is the same." in text
    assert first.id not in text


def _note(path: Path, killed: Mutant, survived: Mutant) -> Ledger:
    content = SOURCE.encode()
    ledger = Ledger(path)
    ledger.add(killed, content, {"outcome": "killed", "test": "t", "seconds": 1.0})
    ledger.add(survived, content, {"outcome": "survived", "test": "", "seconds": 2.0})
    ledger.write(sample=2, seed=0)
    return ledger
