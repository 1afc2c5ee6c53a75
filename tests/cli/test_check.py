"""`modlint check` as a user meets it: messages, streams and exit codes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from support import modlint

from modlint.cli import main

Capture = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "PRE_COMMIT"):
        monkeypatch.delenv(variable, raising=False)


def test_a_healthy_file_passes(healthy: Path, capsys: Capture) -> None:
    assert main(["check", str(healthy)]) == 0
    captured = capsys.readouterr()
    assert "error" not in captured.out.replace("0 errors", "")
    assert captured.err == ""


def test_a_finding_fails_the_run(broken: Path, capsys: Capture) -> None:
    assert main(["check", str(broken)]) == 1
    line = next(line for line in capsys.readouterr().out.splitlines() if "NUM001" in line)
    assert line.startswith(f"{broken}: NUM001 error")
    assert "fc.weight" in line


@pytest.mark.parametrize(
    ("fail_on", "code"), [("error", 1), ("warning", 1), ("note", 1), ("never", 0)]
)
def test_fail_on_decides_the_exit_code(broken: Path, fail_on: str, code: int) -> None:
    for name in ("concise", "json", "full"):
        arguments = ["check", str(broken), "--fail-on", fail_on, "--output-format", name]
        assert main(arguments) == code


def test_the_configured_severity_counts(broken: Path, tmp_path: Path, capsys: Capture) -> None:
    setting = 'rules.non-finite.severity="note"'
    assert main(["check", str(broken), "--config", setting]) == 0
    assert "1 note (NUM001)" in capsys.readouterr().out
    assert main(["check", str(broken), "--config", setting, "--min-severity", "note"]) == 0
    assert "NUM001 note" in capsys.readouterr().out


def test_severity_may_be_set_by_code_beside_options_by_name(healthy: Path) -> None:
    options = ["--config", "rules.not-clusterable.clusters=2", "--select", "NUM"]
    assert main(["check", str(healthy), *options]) == 0
    nan = healthy.with_name("nan.pt")
    torch.save({"w.weight": torch.full((2, 2), float("nan"))}, nan)
    severity = ["--config", "rules.NUM001.severity='warning'"]
    assert main(["check", str(nan), *severity]) == 0
    assert main(["check", str(nan), *severity, "--fail-on", "warning"]) == 1


def test_a_missing_path_fails_after_the_others_are_checked(broken: Path, capsys: Capture) -> None:
    assert main(["check", "nowhere.pt", str(broken)]) == 2
    captured = capsys.readouterr()
    assert "NUM001" in captured.out
    assert "nowhere.pt: no such file or folder" in captured.err


def test_an_empty_folder_is_no_error_but_said(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "empty").mkdir()
    assert main(["check", "empty"]) == 0
    assert "no checkpoint found" in capsys.readouterr().err
    assert main(["check", "empty", "--strict"]) == 1


def test_a_folder_named_like_a_file_is_searched(broken: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model.pt"
    folder.mkdir()
    broken.rename(folder / "weights.pt")
    assert main(["check", "model.pt"]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--select", "NOPE"], "unknown rule selector `NOPE`"),
        (["--ignore", "NUN001"], "unknown rule selector `NUN001`; did you mean `NUM001`?"),
        (["--config", "selct=['ALL']"], "unknown key `selct`; did you mean `select`?"),
        (["--config", "rules.non-finit.severity='note'"], "did you mean `non-finite`?"),
        (["--config", "rules.non-finite.nope=1"], "rules.non-finite: unknown key `nope`"),
        (["--config", "rules.non-finite.severity='bad'"], "severity `bad` is none of"),
        (["--config", "rules.not-clusterable.clusters=1"], "rules.not-clusterable: "),
        (["--config", "missing.toml"], "No such file"),
        (["--output-format", "jsn"], "unknown output format `jsn`; did you mean `json`?"),
    ],
)
def test_wrong_usage_is_explained(
    healthy: Path, capsys: Capture, arguments: list[str], message: str
) -> None:
    assert main(["check", str(healthy), *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.startswith("modlint: error: ")
    assert captured.out == ""


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_gpu_that_is_not_there_is_wrong_usage(healthy: Path, capsys: Capture) -> None:
    assert main(["check", str(healthy), "--device", "cuda"]) == 2
    assert "no CUDA device" in capsys.readouterr().err


def test_zero_bytes(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "zero.pt").write_bytes(b"")
    assert main(["check", "zero.pt"]) == 1
    out = capsys.readouterr().out
    assert "FMT001 error" in out
    assert "empty" in out


def test_a_truncated_file_does_not_hide_the_others(healthy: Path, capsys: Capture) -> None:
    data = healthy.read_bytes()
    Path("cut.pt").write_bytes(data[: len(data) // 2])
    assert main(["check", "cut.pt", str(healthy), "--output-format", "json"]) == 1
    cut, whole = json.loads(capsys.readouterr().out)["files"]
    assert [v["rule"] for v in cut["verdicts"] if v["outcome"] == "fail"] == ["FMT001"]
    assert whole["status"] == "checked"
    assert not [v for v in whole["verdicts"] if v["outcome"] == "fail"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_read_permission(healthy: Path, capsys: Capture) -> None:
    healthy.chmod(0)
    assert main(["check", str(healthy)]) == 1
    assert "permission denied" in capsys.readouterr().out


def test_a_path_that_is_too_long(capsys: Capture) -> None:
    assert main(["check", "x" * 5000]) == 2
    assert "no such file or folder" in capsys.readouterr().err


def test_a_full_disk_is_said(healthy: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full here")
    with Path("/dev/full").open("w") as full:
        run = subprocess.run(
            [sys.executable, "-m", "modlint", "check", str(healthy), "--select", "FMT"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert run.returncode == 2
    assert "No space left" in run.stderr
    assert "Traceback" not in run.stderr


def test_special_files_are_named(tmp_path: Path, capsys: Capture) -> None:
    os.mkfifo(tmp_path / "pipe.pt")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.pt")
        assert main(["check", "pipe.pt", "socket.pt", "/dev/null"]) == 1
    out = capsys.readouterr().out
    assert "is a named pipe, not a file" in out
    assert "is a socket, not a file" in out
    assert "is a character device, not a file" in out


def test_a_broken_link_is_named(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "link.pt").symlink_to("gone.pt")
    assert main(["check", "link.pt"]) == 1
    assert "broken symbolic link" in capsys.readouterr().out


def test_an_unread_file_is_never_clean(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "zero.pt").write_bytes(b"")
    main(["check", "zero.pt", "--select", "CLU001", "--output-format", "json"])
    report = json.loads(capsys.readouterr().out)
    assert [v["outcome"] for v in report["files"][0]["verdicts"]] == ["inconclusive"]
    assert main(["check", "zero.pt", "--select", "CLU001", "--strict"]) == 1


def test_a_partly_read_file_never_passes(healthy: Path, capsys: Capture) -> None:
    from safetensors.torch import save_file

    path = healthy.with_suffix(".safetensors")
    save_file(torch.load(healthy, weights_only=True), path)
    path.write_bytes(path.read_bytes()[:-8])
    assert main(["check", str(path), "--select", "NUM001", "--output-format", "json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert "inconclusive" in [v["outcome"] for v in file["verdicts"]]
    assert main(["check", str(path), "--select", "NUM001", "--strict"]) == 1
    assert main(["check", str(path)]) == 1


def test_a_pointer_is_reported_once(tmp_path: Path, capsys: Capture) -> None:
    text = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 99\n"
    (tmp_path / "model.pt").write_text(text)
    assert main(["check", "model.pt", "--select", "FMT002", "--output-format", "json"]) == 1
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert [(v["rule"], v["outcome"]) for v in file["verdicts"]] == [("FMT002", "fail")]


def test_unicode_names(broken: Path, tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "模型 ünïcode.pt"
    torch.save({"слой.вес": torch.tensor([[float("inf")] * 3] * 2)}, path)
    assert main(["check", str(path)]) == 1
    out = capsys.readouterr().out
    assert "模型 ünïcode.pt" in out
    assert "слой.вес" in out


def test_ten_thousand_tensors(tmp_path: Path, capsys: Capture) -> None:
    path = tmp_path / "many.pt"
    torch.save({f"t{i}": torch.ones(3) * i for i in range(10_000)}, path)
    assert main(["check", str(path), "--output-format", "json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert file["tensors"] == 10_000
    assert file["parameters"] == 30_000


def test_the_same_command_twice_gives_the_same_bytes(healthy: Path, capsys: Capture) -> None:
    reports = []
    for _ in range(2):
        main(["check", str(healthy), "--output-format", "json"])
        report = json.loads(capsys.readouterr().out)
        report["run"]["seconds"] = None
        reports.append(json.dumps(report))
    assert reports[0] == reports[1]


def test_no_rule_no_verdict(healthy: Path, capsys: Capture) -> None:
    assert main(["check", str(healthy), "--ignore", "ALL", "--output-format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["verdicts"] == []


def test_structure_rules_do_not_import_torch(healthy: Path) -> None:
    run = modlint("check", healthy, "--select", "SEC,FMT", "--output-format", "json")
    report = json.loads(run.stdout)
    assert report["run"]["torch"] is None
    assert report["run"]["device"] is None


def test_github_actions_and_pre_commit_get_a_line_for_each_finding(broken: Path) -> None:
    variables = {
        "GITHUB_ACTIONS": f"::error file={broken.name},title=NUM001 non-finite::",
        "PRE_COMMIT": f"{broken}: NUM001 error",
    }
    for variable, line in variables.items():
        run = modlint("check", broken, **{variable: "true" if "::" in line else "1"})
        assert run.returncode == 1
        assert line in run.stdout


def test_several_formats_at_once(
    broken: Path, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    formats = ("--output", "sarif=report.sarif", "--output", "concise", "--output", "csv=v.csv")
    assert main(["check", str(broken), *formats]) == 1
    assert "NUM001 error" in capsys.readouterr().out
    assert json.loads((tmp_path / "report.sarif").read_text())["version"] == "2.1.0"
    assert (tmp_path / "v.csv").read_text().startswith("path,format,rule")
    assert not list(tmp_path.glob(".*.part"))


@pytest.mark.parametrize("name", ["full", "concise", "github", "markdown", "sarif", "gitlab",
                                  "json", "junit", "csv", "cyclonedx", "html"])  # fmt: skip
def test_the_exit_code_does_not_depend_on_the_format(
    broken: Path, healthy: Path, name: str, capsys: Capture
) -> None:
    codes = [main(["check", str(path), "--output-format", name]) for path in (broken, healthy)]
    assert codes == [1, 0]
    assert capsys.readouterr().out


@pytest.mark.parametrize(
    ("outputs", "told"),
    [
        (("nothing=x",), "unknown output format `nothing`"),
        (("json", "concise"), "two formats go to stdout"),
        (("json=x", "csv=x"), "two formats go to x"),
        (("json=",), "name a file"),
        (("json=no/such/folder.json",), "there is no folder"),
    ],
)
def test_an_output_that_cannot_be_written_is_refused_before_the_work(
    healthy: Path, outputs: tuple[str, ...], told: str, capsys: Capture
) -> None:
    flags = [flag for output in outputs for flag in ("--output", output)]
    assert main(["check", str(healthy), *flags]) == 2
    assert told in capsys.readouterr().err
