"""What fails a run, what runs at all and what stays quiet."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from hand_built import planted_weights, random_weights
from safetensors.torch import save_file
from support import modlint

from modlint.analysis.base import Progress
from modlint.cli import main
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Cost, Severity

Capture = pytest.CaptureFixture[str]
SIZES = (60, 50, 50, 50, 10)
QUICK = ["--config=rules.not-clusterable.shuffles=19", "--config=rules.not-clusterable.clusters=10"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A network with planted modules, and a random one."""
    monkeypatch.chdir(tmp_path)
    for variable in ("GITHUB_ACTIONS", "PRE_COMMIT"):
        monkeypatch.delenv(variable, raising=False)
    for name, weights in (("planted", planted_weights(0, 10, *SIZES)), ("random", None)):
        weights = weights or random_weights(7, *SIZES)
        save_file({f"{2 * i}.weight": w for i, w in enumerate(weights)}, f"{name}.safetensors")
    return tmp_path


def run(capsys: Capture, *arguments: str) -> tuple[int, dict[str, Any]]:
    """The exit code and the JSON report of a check."""
    code = main(["check", "--output-format", "json", *arguments])
    return code, json.loads(capsys.readouterr().out)


def of_rule(report: dict[str, Any], rule: str) -> list[dict[str, Any]]:
    return [v for file in report["files"] for v in file["verdicts"] if v["rule"] == rule]


def test_information_is_measured_and_fails_nothing(capsys: Capture) -> None:
    code, report = run(
        capsys, "random.safetensors", "--select=CLU001", *QUICK, "--fail-on=note", "--strict"
    )
    (verdict,) = of_rule(report, "CLU001")
    assert (code, verdict["outcome"], verdict["severity"]) == (0, "fail", "information")
    assert report["summary"]["information"] == 1
    assert report["summary"]["note"] == 0


def test_its_severity_makes_its_limit_count(capsys: Capture) -> None:
    severity = "--config=rules.not-clusterable.severity='error'"
    code, report = run(capsys, "random.safetensors", "--select=CLU001", *QUICK, severity)
    assert (code, report["summary"]["error"], report["summary"]["information"]) == (1, 1, 0)
    code, report = run(capsys, "planted.safetensors", "--select=CLU001", *QUICK, severity)
    assert (code, of_rule(report, "CLU001")[0]["severity"]) == (0, "error")
    moved = "--config=rules.not-clusterable.max-p=1.0"
    code, report = run(capsys, "random.safetensors", "--select=CLU001", *QUICK, severity, moved)
    assert (code, of_rule(report, "CLU001")[0]["limit"]) == (0, {"p_value": {"max": 1.0}})


def test_what_has_no_subject_is_said_once_and_never_fails(capsys: Capture) -> None:
    torch.save({"a": {"scale": torch.ones(8)}, "b": {"shift": torch.ones(8)}}, "model.pt")
    code, report = run(capsys, "model.pt", "--select=CLU,GRF,NEU002", "--strict")
    found = [v for file in report["files"] for v in file["verdicts"]]
    assert {v["outcome"] for v in found} == {"not-applicable"}
    assert len(found) == len({v["rule"] for v in found}) >= 9
    for verdict in found:
        assert verdict["target"]["kind"] == "file"
        assert verdict["values"] == verdict["limit"] == {}
        assert verdict["help"] is None
        assert verdict["reason"] == verdict["message"] != ""
    assert code == 0
    assert report["summary"]["not_applicable"] == len(found)
    assert report["summary"]["passed"] == 0


def test_deep_rules_run_where_they_are_asked_for(capsys: Capture) -> None:
    asked = [
        ["--select=CLU001"],
        ["--select=CLU"],
        ["--select=not-clusterable"],
        ["--extend-select=CLU001"],
        ["--profile=quality"],
        ["--select=interpretability"],
        ["--deep"],
        ["--config=rules.CLU001.max-p=0.1"],
        ["--config=rules.not-clusterable.severity='note'"],
    ]
    for arguments in asked:
        _, report = run(capsys, "planted.safetensors", *QUICK, *arguments)
        assert of_rule(report, "CLU001"), arguments
    for arguments in ([], ["--select=ALL"], ["--config=rules.not-clusterable.seed=3"]):
        _, report = run(capsys, "planted.safetensors", *arguments)
        assert not of_rule(report, "CLU001"), arguments
    _, report = run(capsys, "planted.safetensors", "--baseline-model=random.safetensors")
    assert {rule["code"] for rule in report["rules"] if rule["cost"] == "deep"} == {"CLU006"}


def portrayed(registry: Any, **settings: Any) -> Any:
    configuration = Configuration(Settings(**settings), None, Path.cwd(), portrays=True)
    return check([Path("random.safetensors")], configuration, registry, silent)


@contextlib.contextmanager
def silent(path: Path, index: int, files: int) -> Iterator[Progress]:
    yield lambda what, done, total: None


def test_the_output_format_changes_no_exit_code(capsys: Capture) -> None:
    for format_ in ("concise", "full", "json"):
        arguments = ["random.safetensors", "--fail-on=note", "--ignore=FMT", "--strict"]
        assert main(["check", *arguments, "--output-format", format_]) == 0
        assert ("n-cut against" in capsys.readouterr().out) is (format_ == "full")


def test_what_only_the_output_asks_for_keeps_to_the_budget() -> None:
    registry = load_registry()
    (file,) = portrayed(registry, select=("ALL",), budget=1e-9).files
    cut = {v.rule: v for v in file.verdicts if v.rule.startswith("CLU")}
    assert sorted(cut) == [f"CLU00{number}" for number in (1, 2, 3, 4, 5, 7)]
    assert {v.outcome for v in cut.values()} == {"inconclusive"}
    assert all("1e-09 s that a file gets" in (v.reason or "") for v in cut.values())
    (file,) = portrayed(registry, select=("ALL",), deep=True, budget=1e-9).files
    assert {v.outcome for v in file.verdicts if v.rule == "CLU005"} == {"pass"}


def test_a_deep_rule_that_raises_fails_nothing_where_nobody_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    registry = load_registry()
    rule = registry.rules["CLU005"].load()
    monkeypatch.setattr(rule, "judge", lambda *_: 1 / 0)
    report = portrayed(registry, strict=True)
    assert report.run.exit_code == 0
    assert "ZeroDivisionError" in " ".join(report.run.notes)
    assert portrayed(registry, deep=True).run.exit_code == 2


def test_pedantic_findings_are_for_those_who_ask(capsys: Capture) -> None:
    for persona, code, told in (("regular", 0, False), ("pedantic", 1, True), ("auditor", 1, True)):
        arguments = ["planted.safetensors", "--fail-on=note", f"--persona={persona}"]
        assert main(["check", *arguments]) == code
        assert ("FMT012 note" in capsys.readouterr().out) is told
        actual, report = run(capsys, *arguments)
        assert actual == code
        assert [v["persona"] for v in of_rule(report, "FMT012")] == ["pedantic"]


def test_every_rule_says_what_it_costs_and_what_is_deep() -> None:
    informing = {"COV001", "NEU006", "SPC004", "SPC008", "STR004", "CLU007"}
    informing |= {f"CLU00{n}" for n in range(1, 6)}
    deep = ("CLU", "SPC", "STG001", "STG002")
    for code, rule in load_registry().rules.items():
        assert (rule.cost == Cost.DEEP) is code.startswith(deep), code
        assert (rule.severity is Severity.INFORMATION) is (code in informing), code


def test_the_profile_quality_gates_clusters_and_dead_units(capsys: Capture) -> None:
    assert run(capsys, "planted.safetensors", "--profile=quality", *QUICK)[0] == 0
    code, report = run(capsys, "random.safetensors", "--profile=quality", *QUICK)
    assert code == 1
    (verdict,) = of_rule(report, "CLU001")
    assert (verdict["severity"], verdict["limit"]) == ("error", {"z_score": {"max": -2.0}})
    own = "--config=rules.not-clusterable.max-z=99.0"
    assert run(capsys, "random.safetensors", "--profile=quality", *QUICK, own)[0] == 0


def test_an_unknown_profile_is_wrong_usage(capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["check", "--profile=qualty"])
    assert stop.value.code == 2
    assert "qualty is none of safety, quality" in capsys.readouterr().err


def test_exit_zero_is_for_findings_alone(broken: Path, capsys: Capture) -> None:
    assert run(capsys, str(broken))[0] == 1
    code, report = run(capsys, str(broken), "--exit-zero")
    assert (code, report["run"]["exit_code"], report["summary"]["error"]) == (0, 0, 1)
    assert run(capsys, "nowhere.pt", "--exit-zero")[0] == 2


def test_what_fails_the_run_is_shown_in_full(capsys: Capture) -> None:
    torch.save({"model": {"w": torch.ones(9, 9)}, "optimizer": {"m": torch.ones(9)}}, "run.pt")
    assert main(["check", "run.pt"]) == 0
    assert "1 note (FMT004)" in capsys.readouterr().out
    assert main(["check", "run.pt", "--fail-on=note"]) == 1
    assert "FMT004 note" in capsys.readouterr().out
    assert main(["check", "run.pt", "-v"]) == 0
    assert "FMT004 note" in capsys.readouterr().out


def test_a_list_on_stdin(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    for separator in (b"\n", b"\0", b"\r\n"):
        names = separator.join([b"planted.safetensors", b"random.safetensors", b""])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(names)))
        _, report = run(capsys, "-")
        assert [file["path"] for file in report["files"]] == [
            "planted.safetensors",
            "random.safetensors",
        ]
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"")))
    code, report = run(capsys, "-")
    assert (code, report["files"]) == (0, [])


def test_an_interrupt_leaves_what_is_finished() -> None:
    @contextlib.contextmanager
    def interrupting(path: Path, index: int, files: int) -> Iterator[Progress]:
        if index == 1:
            signal.raise_signal(signal.SIGINT)
        yield lambda what, done, total: None

    paths = [Path(f"{name}.safetensors") for name in ("planted", "random", "planted")]
    configuration = Configuration(Settings(select=("FMT",)), None, Path.cwd())
    # A shell's background job starts with the signal ignored.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        report = check(paths, configuration, load_registry(), interrupting)
    finally:
        signal.signal(signal.SIGINT, before)
    assert [file.path for file in report.files] == ["planted.safetensors"]
    assert report.run.exit_code == 130
    assert report.run.problems == ("interrupted: 1 of 2 files checked",)
    json.loads(msgspec.json.encode(report))


def test_debug_shows_what_a_plugin_raised(folder: Path) -> None:
    package = folder / "plugin"
    info = package / "broken_plugin-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-plugin\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[modlint]\nbroken = broken_plugin\n")
    (package / "broken_plugin.py").write_text("def fall():\n    return 1 / 0\n\nfall()\n")
    path = os.pathsep.join([str(package), *filter(None, [os.environ.get("PYTHONPATH")])])
    arguments = ("check", "planted.safetensors", "--select=FMT")
    plain = modlint(*arguments, cwd=folder, PYTHONPATH=path)
    assert "ZeroDivisionError" in plain.stderr
    assert "Traceback" not in plain.stderr
    told = modlint(*arguments, "--debug", cwd=folder, PYTHONPATH=path)
    assert "Traceback" in told.stderr
    assert "in fall" in told.stderr
    assert told.returncode == plain.returncode == 0


def test_a_healthy_hugging_face_folder_is_quiet_and_passes_strictly(
    folder: Path, capsys: Capture
) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.LlamaConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=128,
        vocab_size=500,
    )
    saved = folder / "hub"
    model = transformers.LlamaForCausalLM(config)
    for parameter in model.parameters():  # no longer as initialised: columns weigh differently
        parameter.data *= parameter.data.new_tensor(range(1, parameter.shape[-1] + 1))
    model.save_pretrained(saved, max_shard_size="200KB")
    (saved / "README.md").write_text("# A model\n")
    (saved / "tokenizer_config.json").write_text('{"tokenizer_class": "LlamaTokenizer"}')
    assert len([*saved.glob("*.safetensors")]) > 1
    assert main(["check", "hub", "--strict"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= 2
    assert lines[-1].startswith("no findings in 1 file")
