"""`--baseline-model`: one checkpoint that every file of a run is compared with."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from hand_built import planted_weights, random_weights
from msgspec.structs import replace
from safetensors.torch import save_file

from modlint.analysis.statistics import TensorStatistics
from modlint.cli import main
from modlint.engine.check import check_file, silent
from modlint.engine.load import load_whole
from modlint.engine.plan import plan_check
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.errors import Unavailable
from modlint.rule import Options, Rule
from modlint.settings.config import Configuration, Settings
from modlint.verdict import Severity, Target

Capture = pytest.CaptureFixture[str]
SIZES = (100, 80, 80, 80, 10)
QUICK = {"shuffles": 19}
FLAGS = [
    "--select=CLU006",
    *(f"--config=rules.clusterability-regressed.{key}={value}" for key, value in QUICK.items()),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a baseline of modules and a network of none."""
    monkeypatch.chdir(tmp_path)
    planted = {f"{2 * i}.weight": w for i, w in enumerate(planted_weights(0, 10, *SIZES))}
    plain = {f"{2 * i}.weight": w for i, w in enumerate(random_weights(7, *SIZES))}
    save_file(planted, "old.safetensors")
    torch.save(plain, "new.pt")
    torch.save(planted, "same.pt")
    return tmp_path


def verdicts(capsys: Capture) -> dict[str, list[str]]:
    """The outcomes by file."""
    files = json.loads(capsys.readouterr().out)["files"]
    return {file["path"]: [v["outcome"] for v in file["verdicts"]] for file in files}


def test_files_are_compared_whatever_their_containers(capsys: Capture) -> None:
    arguments = ["new.pt", "same.pt", "--baseline-model", "old.safetensors", *FLAGS]
    assert main(["check", *arguments, "--fail-on", "warning"]) == 1
    out = capsys.readouterr().out
    assert "new.pt: CLU006 warning no longer modules: effect " in out
    assert main(["check", *arguments, "--output-format", "json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["run"]["settings"]["baseline_model"] == "old.safetensors"
    new, same = (file["verdicts"][0] for file in report["files"])
    assert (new["outcome"], same["outcome"]) == ("fail", "pass")
    for name in ("clusters", "smallest", "p_value", "effect_size"):
        assert same["values"][name] == same["values"][f"baseline_{name}"]
        assert new["values"][f"baseline_{name}"] == same["values"][name]


def test_without_a_baseline_it_does_not_apply(capsys: Capture) -> None:
    assert main(["check", "new.pt", "--select=CLU006", "--output-format", "json"]) == 0
    assert verdicts(capsys) == {"new.pt": ["not-applicable"]}
    Path("empty.pt").write_bytes(b"")
    assert main(["check", "empty.pt", "--select=CLU006,FMT002", "--output-format", "json"]) == 0
    (file,) = json.loads(capsys.readouterr().out)["files"]
    assert "CLU006" not in {verdict["rule"] for verdict in file["verdicts"]}


@pytest.mark.parametrize(
    ("baseline", "told"),
    [
        ("gone.pt", "no such file"),
        ("folder", "is a folder, not a file"),
        ("text.pt", "text"),
        ("cut.safetensors", "cannot wholly be read"),
        ("pointer.pt", "is a Git LFS pointer"),
        ("both.pt", "at once"),
    ],
)
def test_a_baseline_that_cannot_be_read_leaves_the_others_checked(
    baseline: str, told: str, capsys: Capture
) -> None:
    Path("folder").mkdir()
    Path("text.pt").write_text("no weights here\n" * 9)
    whole = Path("old.safetensors").read_bytes()
    Path("cut.safetensors").write_bytes(whole[:-8])
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'a' * 64}\nsize 99\n"
    Path("pointer.pt").write_text(pointer)
    Path("both.pt").write_bytes(whole + Path("same.pt").read_bytes())
    arguments = ["check", "new.pt", "--baseline-model", baseline, *FLAGS]
    assert main([*arguments, "--extend-select=FMT", "--output-format", "json"]) == 2
    captured = capsys.readouterr()
    assert f"baseline model {baseline}: " in captured.err
    assert told in captured.err
    assert "Traceback" not in captured.err
    (file,) = json.loads(captured.out)["files"]
    outcomes = {v["rule"]: v["outcome"] for v in file["verdicts"]}
    assert outcomes["CLU006"] == "inconclusive"
    assert outcomes["FMT001"] == "pass"


def test_a_configured_path_is_relative_to_its_file(folder: Path, capsys: Capture) -> None:
    table = f'baseline-model = "old.safetensors"\n[rules.clusterability-regressed]\n{QUICK}\n'
    table = table.replace(str(QUICK), "\n".join(f"{k} = {v}" for k, v in QUICK.items()))
    (folder / "modlint.toml").write_text(table)
    (folder / "deeper").mkdir()
    with contextlib.chdir(folder / "deeper"):
        arguments = ["check", "../same.pt", "--select=CLU006", "--output-format", "json"]
        assert main(arguments) == 0
        assert verdicts(capsys) == {"../same.pt": ["pass"]}
        assert main(["config"]) == 0
        assert 'baseline-model = "../old.safetensors"' in capsys.readouterr().out
        assert main([*arguments, "--baseline-model", "old.safetensors"]) == 2
        assert "baseline model old.safetensors: no such file" in capsys.readouterr().err


def test_the_baseline_is_tested_once_for_all_files() -> None:
    steps: list[str] = []

    @contextlib.contextmanager
    def record(path: Path, index: int, total: int) -> Iterator[Any]:
        def note(what: str, done: int, of: int) -> None:
            if what.endswith("exchanging") and done == of:
                steps.append(f"{path.name}: {what}")

        yield note

    settings = Settings(
        select=("CLU006",),
        baseline_model="old.safetensors",
        rules={"clusterability-regressed": dict(QUICK)},
        device="cpu",
    )
    files = [Path("new.pt"), Path("same.pt")]
    report = check(files, Configuration(settings, None, Path.cwd()), load_registry(), record)
    assert steps == [
        "new.pt: baseline, exchanging",
        "new.pt: exchanging",
        "same.pt: exchanging",
    ]
    assert report.run.device == "cpu"


class Drift(Rule[Options]):
    """How far each tensor's minimum moved."""

    code, name, summary = "EXA002", "drift", "a tensor moved"
    severity = Severity.NOTE
    source = "an example"
    needs_reference = True

    def needs(self) -> tuple[TensorStatistics]:
        return (TensorStatistics(),)

    def check(self, file: Any) -> Iterator[Any]:
        old = {t.name: s for t, s in file.reference.results(TensorStatistics())}
        for tensor, statistics in file.results(TensorStatistics()):
            moved = statistics.minimum - old[tensor.name].minimum
            yield self.passed(Target("tensor", tensor.name), "", values={"moved": moved})


def test_a_rule_may_read_the_tensor_analyses_of_the_reference() -> None:
    settings = Settings(select=("CLU006",), baseline_model="old.safetensors", device="cpu")
    plan = plan_check(Configuration(settings, None, Path.cwd()), load_registry())
    plan = replace(plan, rules={"CLU006": Drift(Options())})
    assert not plan.errors
    old, new = planted_weights(0, 10, *SIZES), random_weights(7, *SIZES)
    moved = {
        f"{2 * i}.weight": float(n.min() - o.min())
        for i, (o, n) in enumerate(zip(old, new, strict=True))
    }
    for path, expected in (("new.pt", moved), ("same.pt", dict.fromkeys(moved, 0.0))):
        outcome = check_file(Path(path), plan)
        found = {v.target.name: v.values["moved"] for v in outcome.report.verdicts}
        assert found == pytest.approx(expected)
        assert not outcome.errors


def test_an_examination_without_its_reference_says_why() -> None:
    configuration = Configuration(Settings(baseline_model="gone.pt"), None, Path.cwd())
    registry = load_registry()
    plan = plan_check(configuration, registry)
    file = plan.examination(load_whole(Path("new.pt"), registry.readers), silent)
    with pytest.raises(Unavailable, match=r"baseline model gone\.pt: no such file"):
        _ = file.reference
    assert plan.errors == ("baseline model gone.pt: no such file",)
