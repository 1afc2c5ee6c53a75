"""Checks by several processes: the same report, whatever becomes of a process."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")

_PLUGIN = '''
"""Rules that hang, and that end their process, for files of some names."""
import os, signal, time
from modlint import hookimpl
from modlint.engine.jobs import memory

from modlint.engine import many
many._WORTH = 0.0

real = many.check_file
def checked(path, *rest):
    if path.name.startswith("deadly"):
        os.kill(os.getpid(), signal.SIGKILL)
    if path.name.startswith("slow") and "QUICK" not in os.environ:
        time.sleep(60)
    with open(os.environ["CHECKED"], "a", errors="surrogateescape") as log:
        log.write(path.name + "\\n")
    return real(path, *rest)

import modlint.engine.jobs.worker as worker
import modlint.engine.cache.checks as checks
worker.check_file = checks.check_file = checked
'''


class Bench:
    """A folder of checkpoints, and runs of modlint on it in processes of their own."""

    def __init__(self, root: Path) -> None:
        self.folder, self.cache = root / "models", root / "cache"
        self.folder.mkdir()
        site = root / "site"
        site.mkdir()
        (site / "sitecustomize.py").write_text(_PLUGIN)
        self.environment = os.environ | {
            "PYTHONPATH": os.pathsep.join([str(site), *filter(None, sys.path)]),
            "MODLINT_CACHE_DIR": str(self.cache),
            "CHECKED": str(root / "checked.txt"),
        }
        self.log = root / "checked.txt"

    def save(self, name: str, value: float = 0.5, size: int = 4) -> None:
        tensor = torch.full((size, size), value)
        save_file({"fc.weight": tensor}, self.folder / name, metadata={"format": "pt"})

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-P", "-m", "modlint", "check", str(self.folder)]
        return subprocess.Popen(
            [*command, "--isolated", "--output-format=json", *arguments],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=120)
        assert out, err
        report = json.loads(out)
        report["run"].pop("seconds")
        return process.returncode, report


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    bench = Bench(tmp_path)
    for i in range(6):
        bench.save(f"net{i}.safetensors", float("nan") if i == 3 else i + 0.5, size=4 + i)
    return bench


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in listed]


def _lives(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def _eventually(condition: Any, seconds: float = 60) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError("it did not come to be")


def _slow_workers(bench: Bench, process: subprocess.Popen[str], kept: int) -> list[int]:
    """The workers, once all but the slow files are done."""
    entries = bench.cache / "entries-1"
    _eventually(lambda: sum(p.is_file() for p in entries.rglob("*")) >= kept)
    time.sleep(1)  # what is kept is told right after
    return _children(process.pid)


def test_the_report_is_the_same(bench: Bench) -> None:
    code, one = bench.run("-j1", "--no-cache")
    assert code == 1
    assert bench.run("-j3", "--no-cache") == (code, one)
    assert bench.run("-j3") == (code, one)  # cold
    assert bench.run("-j3") == (code, one)  # warm


def test_the_report_on_real_files_is_the_same(bench: Bench, shared: Path) -> None:
    for path in (shared / "reports" / "practice").iterdir():
        if path.is_file() and path.stat().st_size < 1 << 20:
            (bench.folder / path.name).write_bytes(path.read_bytes())
    one = bench.run("-j1", "--no-cache")
    assert bench.run("-j2") == one
    assert bench.run("-j2") == one


def test_a_worker_that_dies_takes_its_file_alone(bench: Bench) -> None:
    bench.save("deadly.safetensors")
    code, report = bench.run("-j2")
    assert code == 2
    files = {Path(file["path"]).name: file for file in report["files"]}
    assert len(files) == 7
    assert files["deadly.safetensors"]["status"] == "unreadable"
    outcomes = {v["outcome"] for v in files["deadly.safetensors"]["verdicts"]}
    assert outcomes == {"inconclusive"}
    (problem,) = report["run"]["problems"]
    assert "internal error" in problem
    assert "SIGKILL" in problem
    assert all(f["verdicts"] for f in files.values())
    (bench.folder / "deadly.safetensors").rename(bench.folder / "fine.safetensors")
    assert bench.run("-j2")[0] == 1


def test_ctrl_c_reports_what_is_finished_and_leaves_nobody(bench: Bench) -> None:
    bench.save("slow.safetensors", size=64)
    process = bench.start("-j2")
    workers = _slow_workers(bench, process, 6)
    assert workers
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=60)
    report = json.loads(out)
    assert process.returncode == 130
    assert len(report["files"]) == 6
    assert "interrupted: 6 of 7 files checked" in report["run"]["problems"]
    assert not any(map(_lives, workers))


def test_a_run_that_is_killed_loses_nothing_and_leaves_nobody(bench: Bench) -> None:
    bench.save("slow.safetensors", size=64)
    process = bench.start("-j2")
    workers = _slow_workers(bench, process, 6)
    process.kill()
    process.communicate(timeout=60)
    _eventually(lambda: not any(map(_lives, workers)))
    bench.log.unlink()
    bench.environment["QUICK"] = "1"
    code, report = bench.run("-j2")
    assert (code, len(report["files"])) == (1, 7)
    assert bench.log.read_text() == "slow.safetensors\n"


def test_a_run_alone_that_is_killed_loses_nothing(bench: Bench) -> None:
    bench.save("slow.safetensors")
    process = bench.start("-j1")
    _eventually(lambda: sum(p.is_file() for p in bench.cache.rglob("entries-1/*/*")) >= 6)
    process.kill()
    process.communicate(timeout=60)
    bench.log.unlink()
    bench.environment["QUICK"] = "1"
    assert bench.run("-j1")[0] == 1
    assert bench.log.read_text() == "slow.safetensors\n"


def test_two_runs_at_once_keep_whole_entries(bench: Bench) -> None:
    runs = [bench.start("-j2") for _ in range(3)]
    reports = [json.loads(run.communicate(timeout=120)[0])["files"] for run in runs]
    assert reports[0] == reports[1] == reports[2]
    assert bench.run("-j1")[1]["files"] == reports[0]


def test_a_name_that_is_no_text_is_checked(bench: Bench) -> None:
    bench.save("net.safetensors")
    odd = os.fsencode(bench.folder / "net") + b"\xff.safetensors"
    (bench.folder / "net.safetensors").rename(os.fsdecode(odd))
    one = bench.run("-j1", "--no-cache")
    assert len(one[1]["files"]) == 7
    assert bench.run("-j2") == one
    assert bench.run("-j2") == one


def test_python_code_gets_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    import modlint

    monkeypatch.setenv("MODLINT_CACHE_DIR", str(bench.cache))
    one = modlint.check(bench.folder)
    assert not bench.cache.exists()
    for keywords in ({"jobs": 2}, {"cache": True}, {"cache": True}):
        other = modlint.check(bench.folder, **keywords)
        assert other.to_dict()["files"] == one.to_dict()["files"]
        assert other.run.settings == one.run.settings
    assert len(list(bench.cache.rglob("entries-1/*/*"))) == 6
    with pytest.raises(ValueError, match="jobs"):
        modlint.check(bench.folder, jobs=0)


def test_clean_removes_what_is_kept(bench: Bench) -> None:
    bench.run("-j1")
    command = [sys.executable, "-P", "-m", "modlint", "clean"]
    done = subprocess.run(command, env=bench.environment, capture_output=True, text=True)
    assert done.returncode == 0
    assert "6 outcomes removed" in done.stdout
    assert not bench.cache.exists()


def test_a_wrong_number_of_jobs_is_refused(bench: Bench) -> None:
    process = bench.start("-j0")
    assert "auto" in process.communicate(timeout=60)[1]
    assert process.returncode == 2
