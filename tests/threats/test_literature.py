"""The literature is covered as far as it is public, and docs/threats.md says what is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from threats import THREATS, write_all
from threats.literature import exceptions, gadgets
from threats.literature.advisories import FICKLING, PICKLESCAN, TRICKS
from threats.literature.page import tables

PAGE = Path(__file__).resolve().parents[2] / "docs" / "threats.md"
GROUPS = Counter(threat.group for threat in THREATS)


def test_the_page_lists_what_is_tested() -> None:
    assert tables() in PAGE.read_text()


def test_paths_outnumber_those_of_the_paper() -> None:
    assert GROUPS["path"] >= 22


@pytest.mark.parametrize("kind", exceptions.KINDS)
def test_each_kind_of_exception_has_several_files(kind: str) -> None:
    assert GROUPS[f"exception, {kind}"] >= 2


def test_gadgets_outnumber_those_of_the_paper() -> None:
    assert len(set(gadgets.gadgets())) >= 133


def test_each_advisory_is_there_once() -> None:
    called = [advisory.id for advisory in (*PICKLESCAN, *FICKLING)]
    assert len(set(called)) == len(called)
    assert len({*called, *(trick.group.partition(", ")[2] for trick in TRICKS)}) >= 70


def test_each_case_has_a_name_of_its_own() -> None:
    assert not [name for name, count in Counter(t.id for t in THREATS).items() if count > 1]


def test_the_cases_can_be_written_for_other_programs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    some = tuple(threat for threat in THREATS if threat.line in (13, 32, 45, 56))
    monkeypatch.setattr("threats.THREATS", some)
    written = write_all(tmp_path)
    assert [id_ for _, id_, _ in written] == [threat.id for threat in some]
    assert all(path.exists() for path, _, _ in written)
    assert {"line 32", "line 45", "healthy"} <= {group for _, _, group in written}
