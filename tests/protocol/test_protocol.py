"""What listed classes call when they are loaded is an error, whatever spells it.

Random pickles over the allow-list and one marker are loaded by the real classes, in a process of
its own; where those call the marker, or crash, modlint must say so.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from modlint.checkpoint import Checkpoint
from modlint.verdict import Severity
from modlint_plugins.pickling.scan import interpret
from modlint_rules.safety.judgement import judge
from protocol.streams import Stream

COUNT = 1500
TESTS = Path(__file__).resolve().parents[1]


def test_what_real_classes_call_is_an_error(tmp_path: Path) -> None:
    names = [str(index) for index in range(COUNT)]
    for name in names:
        (tmp_path / name).write_bytes(Stream(f"protocol:{name}").write())
    called = loaded(tmp_path, names)
    harmful = [name for name in names if called[name]]
    assert len(harmful) > COUNT // 100, "the marker is hardly ever called: the test shows nothing"
    missed = [name for name in harmful if not is_error((tmp_path / name).read_bytes())]
    assert not missed, {name: called[name] for name in missed}


def is_error(data: bytes) -> bool:
    """Whether modlint says more of a pickle than a warning."""
    found = interpret(memoryview(data), joblib=True)
    checkpoint = Checkpoint(Path("a.pkl"), "pickle", len(data), pickles=(found.trace,))
    judged = judge(checkpoint, frozenset()).judged
    errors = any(item.severity is Severity.ERROR for item in judged)
    return errors or bool(found.hazards) or found.trace.incomplete is not None


def loaded(folder: Path, names: Sequence[str]) -> dict[str, list[str]]:
    """What each stream called when it was really loaded; a crash counts as a call."""
    called: dict[str, list[str]] = {}
    pending = list(names)
    while pending:
        run = subprocess.run(
            [sys.executable, "-m", "protocol.recorder", str(folder)],
            input="\n".join(pending),
            capture_output=True,
            text=True,
            cwd=TESTS,
            check=False,
        )
        for line in run.stdout.splitlines():
            if line.startswith('{"name"'):
                row = json.loads(line)
                called[row["name"]] = [call for calls in row["called"].values() for call in calls]
        rest = [name for name in pending if name not in called]
        assert len(rest) < len(pending) or run.returncode < 0, run.stderr[-2000:]
        if rest:
            called[rest[0]] = ["crash"]
        pending = rest[1:]
    return called
