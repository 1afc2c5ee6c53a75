"""What is said of pairs of checkpoints that real writers wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

import modlint
from diff.pairs import PairCase, broken, healthy
from modlint.difference import Difference


def compared(case: PairCase, folder: Path, **keywords: bool) -> Difference:
    paths = []
    for name, write in (("old", case.old), ("new", case.new)):
        (folder / name).mkdir()
        paths.append(write(folder / name))
    return modlint.diff(*paths, **keywords)


def told(difference: Difference) -> str:
    lines = [f"{r.severity} {r.kind}: {r.message} {r.tensors}" for r in difference.regressions]
    return "\n".join((f"{difference.relation}: {difference.why}", *lines))


@pytest.mark.parametrize("case", list(healthy()), ids=lambda case: case.title)
def test_nothing_is_said_of_healthy_pairs(case: PairCase, tmp_path: Path) -> None:
    found = compared(case, tmp_path, run_rules=False)
    assert found.regressions == (), told(found)
    assert found.relation == case.relation, told(found)
    assert found.exit_code == 0


@pytest.mark.parametrize("case", list(broken()), ids=lambda case: case.title)
def test_what_is_broken_is_named(case: PairCase, tmp_path: Path) -> None:
    found = compared(case, tmp_path, run_rules="finding" in case.kinds)
    serious = [r for r in found.regressions if r.severity != "note"]
    assert {r.kind for r in serious} == set(case.kinds), told(found)
    assert found.relation == case.relation, told(found)
    assert set(case.tensors) <= {name for r in serious for name in r.tensors}, told(found)
    assert found.exit_code == int(any(r.severity == "error" for r in serious))
