"""What a report offers to Python code and to notebooks."""

from __future__ import annotations

import json
import sys
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import torch
from support import modlint as command
from torch import nn

import modlint


def weights(*, nan: bool = False) -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    arrays = {f"{i}.weight": random.standard_normal((8, 8)) for i in range(3)}
    if nan:
        arrays["1.weight"][0, 0] = np.nan
    return arrays


@pytest.fixture(scope="module")
def failed() -> modlint.Report:
    return modlint.check(weights(nan=True), select="NUM,NEU001")


def test_findings_are_typed(failed: modlint.Report) -> None:
    (finding,) = failed.findings
    assert isinstance(finding, modlint.Verdict)
    assert finding.severity is modlint.Severity.ERROR
    assert finding.outcome is modlint.Outcome.FAIL
    assert repr(failed) == "<modlint.Report: 1 finding in 1 file, exit code 1>"


def test_raise_for_findings(failed: modlint.Report) -> None:
    with pytest.raises(modlint.FindingsError, match=r"NUM001 error 1\.weight: 1 of 64") as caught:
        failed.raise_for_findings()
    assert caught.value.report is failed
    healthy = modlint.check(weights(), select="NUM")
    assert healthy.raise_for_findings("note") is healthy
    with pytest.raises(ValueError, match="at_least is 'fatal', and no severity"):
        healthy.raise_for_findings("fatal")


def test_raise_for_findings_from_a_severity() -> None:
    rules = {"non-finite": {"severity": "warning"}}
    report = modlint.check(weights(nan=True), select="NUM", rules=rules)
    assert report.ok
    report.raise_for_findings()
    with pytest.raises(modlint.FindingsError):
        report.raise_for_findings("warning")


def test_a_run_that_failed_otherwise_raises_too(tmp_path: Path) -> None:
    meta = nn.Linear(3, 3, device="meta")
    with pytest.raises(modlint.FindingsError, match="inconclusive"):
        modlint.check(meta, select="NUM", strict=True).raise_for_findings()
    report = modlint.check(weights(), select="CLU006", baseline_model=tmp_path / "gone.pt")
    with pytest.raises(modlint.FindingsError, match=r"baseline model .*gone\.pt: no such file"):
        report.raise_for_findings()


def test_to_dict_is_the_json_report(tmp_path: Path) -> None:
    path = tmp_path / "model.pt"
    torch.save({"w": torch.tensor([[1.0, float("inf")]])}, path)
    run = command("check", "--isolated", "--output-format", "json", path)
    said, own = json.loads(run.stdout), modlint.check(path).to_dict()
    for report in (said, own):
        del report["run"]
    assert own == said
    assert json.dumps(own, allow_nan=False)


def test_to_dataframe_has_a_row_for_each_verdict(failed: modlint.Report) -> None:
    pandas = pytest.importorskip("pandas")
    frame = failed.to_dataframe()
    assert isinstance(frame, pandas.DataFrame)
    assert len(frame) == len(failed.files[0].verdicts)
    (row,) = frame[frame.outcome == "fail"].to_dict("records")
    assert (row["path"], row["rule"], row["target"]) == ("in memory", "NUM001", "1.weight")
    assert len(modlint.inspect(weights()).to_dataframe()) == 3
    labels = modlint.clusters(weights(), clusters=2, shuffles=0).to_dataframe()
    assert list(labels.columns) == ["network", "layer", "unit", "cluster", "stability"]


def test_without_pandas_the_error_names_the_command(
    failed: modlint.Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match=r'python -m pip install "modlint\[pandas\]"'):
        failed.to_dataframe()


class Text(HTMLParser):
    """Gathers the tags and the text of a document."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.text += f"{data} "


def test_a_notebook_shows_findings(failed: modlint.Report) -> None:
    shown = Text(failed._repr_html_()).text
    assert "failed (exit code 1)" in shown
    assert "NUM001 non-finite" in shown
    assert "1.weight" in shown
    assert "go back to the last checkpoint" in shown


def test_names_in_a_file_stay_text_in_a_notebook() -> None:
    name = "<script>alert(1)</script>\u202e.weight"
    values = {name: np.full((3, 3), np.nan)}
    for html in (modlint.check(values)._repr_html_(), modlint.inspect(values)._repr_html_()):
        assert "script" not in Text(html).tags
        assert "<script>alert(1)</script>" in Text(html).text
        assert "\u202e" not in html


def test_inspect_shows_what_the_command_line_shows(tmp_path: Path) -> None:
    module = nn.Sequential(nn.Linear(6, 5), nn.ReLU(), nn.Linear(5, 2))
    path = tmp_path / "model.pt"
    torch.save(module.state_dict(), path)
    said = json.loads(command("inspect", path, "--output-format", "json").stdout)
    assert modlint.inspect(path).to_dict() == said
    live = modlint.inspect(module)
    assert [layer.name for layer in live.networks[0].layers] == ["0", "2"]
    assert live.to_dict()["networks"] == said["networks"]
    assert "47 parameters" in repr(live)
    assert "0.weight" in Text(live._repr_html_()).text


def test_clusters_are_those_of_the_command_line(tmp_path: Path) -> None:
    torch.manual_seed(0)
    module = nn.Sequential(nn.Linear(16, 24), nn.ReLU(), nn.Linear(24, 8))
    path = tmp_path / "model.pt"
    torch.save(module.state_dict(), path)
    options = ("--clusters", 3, "--shuffles", 5, "--device", "cpu")
    said = json.loads(command("clusters", path, *options, "--output-format", "json").stdout)
    for x in (module, path):
        found = modlint.clusters(x, clusters=3, shuffles=5, device="cpu").to_dict()
        assert found["networks"] == said["networks"]
    assert "n-cut" in Text(modlint.clusters(module, clusters=3, shuffles=5)._repr_html_()).text


def test_clusters_say_why_there_are_none() -> None:
    found = modlint.clusters(nn.LSTM(4, 4))
    assert not found.networks
    (reason,) = found.unavailable.values()
    assert reason in repr(found)
    assert reason in Text(found._repr_html_()).text
