"""`modlint clusters` as a user meets it: tables, labels, streams and exit codes."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hand_built import planted_weights, random_weights
from rich.cells import cell_len
from support import modlint
from transformers import GPT2Config, GPT2LMHeadModel

from modlint import clusters
from modlint.analysis.clustering import MAX_CONNECTIONS, ClusterTest, Partition
from modlint.analysis.modules import MatchedTest
from modlint.analysis.partitions import SeededPartition
from modlint.cli import main
from modlint.engine.examine import FileExamination
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import load_registry
from modlint.portraits.words import listed, runs

Capture = pytest.CaptureFixture[str]
SIZES = (30, 24, 20, 10)
QUICK = ["--clusters", "5", "--shuffles", "6"]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, with a network of planted modules and three isolated inputs."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("NO_COLOR", "1")
    weights = planted_weights(2, 5, *SIZES)
    weights[0][:, 27:] = 0
    state = dict(zip(("fc1.weight", "fc2.weight", "head.weight"), weights, strict=True))
    torch.save(state, "model.pt")
    return tmp_path


def document(capsys: Capture, *arguments: str) -> dict[str, Any]:
    assert main(["clusters", "model.pt", *QUICK, "--output-format", "json", *arguments]) == 0
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def examined(path: str = "model.pt") -> FileExamination:
    registry = load_registry()
    checkpoint = load_whole(Path(path), registry.readers)
    networks = build_networks(checkpoint, registry.builders, [])
    return FileExamination(checkpoint, networks, "cpu", lambda what, done, total: None, [])


def test_json_holds_the_results_of_the_analyses(capsys: Capture) -> None:
    found = document(capsys)
    assert found["schema"] == "modlint-clusters/1"
    assert found["path"] == "model.pt"
    (network,) = found["networks"]
    file = examined()
    clusters = file.result(SeededPartition(5), file.networks[0])
    assert {name: tuple(labels) for name, labels in network["labels"].items()} == clusters.labels
    assert [cluster["neurons"] for cluster in network["clusters"]] == list(clusters.sizes)
    assert sum(cluster["share"] for cluster in network["clusters"]) == pytest.approx(1)
    assert network["method"] == "matched"
    assert network["ncut"] == clusters.ncut
    assert network["spectral_sum"] == clusters.spectral_sum
    assert network["isolated_units"] == 3
    assert network["eigenvalues"] == sorted(network["eigenvalues"])
    ncut = sum(
        c["weight_leaving"] / (2 * c["weight_within"] + c["weight_leaving"])
        for c in network["clusters"]
    )
    assert ncut == pytest.approx(network["ncut"])
    assert network["seeds"] == 5
    assert network["agreement"] == clusters.agreement
    assert network["lesions"] is None


def test_both_tests_are_told(capsys: Capture) -> None:
    (network,) = document(capsys)["networks"]
    file = examined()
    published = file.result(ClusterTest(Partition(5), 6), file.networks[0])
    matched = file.result(MatchedTest(shuffles=6), file.networks[0])
    null, modules = network["null"], network["modules"]
    assert null["null_samples"] == list(published.null_samples)
    assert null["z_score"] == published.z_score
    assert null["ncut"] == published.observed
    assert null["clusters"] == 5
    assert modules["clusters"] == matched.clusters
    assert modules["p_value"] == matched.p_value
    assert modules["effect_size"] == matched.effect_size
    assert null["verdict"] is modules["verdict"] is None
    assert null["reason"] == modules["reason"] == "6 shuffles cannot give a p below 0.14"


def test_the_default_is_as_many_clusters_as_stand_out(capsys: Capture) -> None:
    asked = ["clusters", "model.pt", "--shuffles", "19"]
    assert main([*asked, "--output-format", "json"]) == 0
    (network,) = json.loads(capsys.readouterr().out)["networks"]
    file = examined()
    matched = file.result(MatchedTest(shuffles=19), file.networks[0])
    assert network["modules"]["verdict"] == "modules"
    assert len(network["clusters"]) == network["modules"]["clusters"] == matched.clusters
    assert network["null"]["clusters"] == 12
    assert main(asked) == 0
    out = capsys.readouterr().out
    assert f"modules    modules beyond unit strengths (matched): k* {matched.clusters}, " in out
    assert re.search(r"shuffled +(better|no better|worse) clusters than shuffled weights", out)


def test_of_a_small_network_without_a_test_there_are_fewer_clusters(capsys: Capture) -> None:
    torch.save({f"{i}.weight": w for i, w in enumerate(random_weights(0, 8, 7, 5))}, "small.pt")
    assert main(["clusters", "small.pt", "--shuffles", "0", "--output-format", "json"]) == 0
    (network,) = json.loads(capsys.readouterr().out)["networks"]
    assert len(network["clusters"]) == 6
    assert network["modules"]["reason"] == "no shuffles were asked for"


def test_the_published_clusters_are_those_of_the_published_test(capsys: Capture) -> None:
    (network,) = document(capsys, "--method", "filan2021", "--seeds", "1")["networks"]
    file = examined()
    test = file.result(ClusterTest(Partition(5), 6), file.networks[0])
    assert {n: tuple(own) for n, own in network["labels"].items()} == test.clusters.labels
    assert network["ncut"] == pytest.approx(test.observed)
    assert network["null"]["ncut"] == test.observed
    assert network["in_out_ratio"] == pytest.approx(test.in_out_ratio)
    assert network["agreement"] is None
    assert {share for own in network["stability"].values() for share in own} == {None}


def test_stability_stands_in_the_labels_and_in_the_tables(capsys: Capture) -> None:
    (network,) = document(capsys, "--seeds", "3")["networks"]
    assert main(["clusters", "model.pt", *QUICK, "--seeds", "3", "--labels", "labels.csv"]) == 0
    out = capsys.readouterr().out
    assert f"seeds      3: adjusted Rand index {network['agreement']:.2f}; " in out
    read = list(csv.DictReader(io.StringIO(Path("labels.csv").read_text())))
    shares = [share for own in network["stability"].values() for share in own]
    assert [float(row["stability"]) if row["stability"] else None for row in read] == shares
    assert [share is None for share in shares] == [row["cluster"] == "-1" for row in read]
    for part in network["layers"]:
        own = [
            share
            for label, share in zip(
                network["labels"][part["layer"]], network["stability"][part["layer"]], strict=True
            )
            if label == part["cluster"]
        ]
        assert part["neurons"] == len(own)
        if part["cluster"] >= 0:
            assert part["stability"] == pytest.approx(sum(own) / len(own))


def test_a_cluster_is_known_by_the_inputs_and_outputs_of_its_module(capsys: Capture) -> None:
    (network,) = document(capsys)["networks"]
    for cluster in network["clusters"]:
        for side, layer in (("inputs", "input"), ("outputs", "head")):
            assert {end["layer"] for end in cluster[side]} == {layer}
            assert all(0 < end["share"] < 1 for end in cluster[side])
            first = cluster[side][0]
            assert network["labels"][layer][first["unit"]] == cluster["cluster"]


def test_of_many_clusters_in_a_layer_the_largest_are_shown(capsys: Capture) -> None:
    torch.save({f"{i}.weight": w for i, w in enumerate(random_weights(0, 90, 60, 30))}, "wide.pt")
    assert main(["clusters", "wide.pt", "--clusters", "16", "--shuffles", "0"]) == 0
    out = capsys.readouterr().out
    assert re.search(r"^ +… +\d+ +[\d.]+% +and \d+ clusters more$", out, re.MULTILINE)


def test_labels_as_json_and_csv_round_trip(capsys: Capture) -> None:
    file = examined()
    labels = file.result(SeededPartition(5), file.networks[0]).labels
    assert main(["clusters", "model.pt", *QUICK, "--labels", "labels.json"]) == 0
    (network,) = json.loads(Path("labels.json").read_text())["networks"]
    assert {name: tuple(found) for name, found in network["labels"].items()} == labels
    assert main(["clusters", "model.pt", *QUICK, "--labels", "labels.CSV"]) == 0
    assert "n-cut" in capsys.readouterr().out
    assert rows(Path("labels.CSV").read_text()) == labels
    assert main(["clusters", "model.pt", *QUICK, "--output-format", "csv"]) == 0
    assert capsys.readouterr().out == Path("labels.CSV").read_text()


def rows(text: str) -> dict[str, tuple[int, ...]]:
    """The labels that a CSV table holds, its units in order."""
    found: dict[str, list[int]] = {}
    for row in csv.DictReader(io.StringIO(text)):
        assert row["network"] == "0"
        assert int(row["unit"]) == len(found.setdefault(row["layer"], []))
        found[row["layer"]].append(int(row["cluster"]))
    return {layer: tuple(labels) for layer, labels in found.items()}


def test_the_tables_tell_each_cluster_and_each_layer(capsys: Capture) -> None:
    (network,) = document(capsys)["networks"]
    assert main(["clusters", "model.pt", *QUICK]) == 0
    out = capsys.readouterr().out
    assert out.startswith("model.pt ────")
    assert "network 0  84 neurons · 3 isolated · 1,400 connections · 5 clusters · seed 0" in out
    assert f"n-cut      {network['ncut']:.2f} of balanced weights, in/out " in out
    told = " ".join(out.split())
    assert re.search(r"shuffled .*: n-cut \d+\.\d\d against \d+\.\d\d ± [\d.]+ of 6 shuffles", told)
    assert re.search(r"\(z -[\d.]+, p 0\.14, effect [\d.]+%\)", told)
    for cluster in network["clusters"]:
        row = rf"^ +{cluster['cluster']} +{cluster['neurons']} +{cluster['share']:.1%} +[━╸]+ +"
        row += rf"{cluster['in_out_ratio']:.3f} +{cluster['stability']:.0%} +"
        row += ", ".join(str(end["unit"]) for end in cluster["inputs"])
        assert re.search(row, out, re.MULTILINE)
    first = [unit for unit, label in enumerate(network["labels"]["head"]) if label == 0]
    row = rf"^ +head +0 +{len(first)} +[\d.]+% +[\d.]+ +\d+% +{listed(first)}$"
    assert re.search(row, out, re.MULTILINE)
    assert re.search(r"^ +none +3 +10\.0% +· +· +27-29$", out, re.MULTILINE)


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_line_is_wider_than_the_terminal(
    columns: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    names = [f"a_rather.long.prefix.of.layer.{i}.weight" for i in range(3)]
    torch.save(dict(zip(names, random_weights(0, 300, 200, 100, 10), strict=True)), "long.pt")
    assert main(["clusters", "long.pt", "--shuffles", "0"]) == 0
    out = capsys.readouterr().out
    assert max(map(cell_len, out.splitlines())) <= columns
    assert not re.search(r" $|\x1b", out, re.MULTILINE)


def test_colour_where_it_is_wanted() -> None:
    plain = modlint("clusters", "model.pt", *QUICK, NO_COLOR="1").stdout
    coloured = modlint("clusters", "model.pt", *QUICK, FORCE_COLOR="1").stdout
    assert "\x1b[" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == plain


def test_a_narrow_encoding_is_no_obstacle() -> None:
    run = modlint("clusters", "model.pt", *QUICK, PYTHONIOENCODING="ascii", PYTHONUTF8="0")
    assert run.returncode == 0
    assert run.stdout.isascii()
    assert run.stderr == ""


def test_names_cannot_drive_a_terminal(capsys: Capture) -> None:
    weights = random_weights(0, 30, 20, 10)
    torch.save({"\x1b[31mred.weight": weights[0], "b.weight": weights[1]}, "evil.pt")
    assert main(["clusters", "evil.pt", *QUICK]) == 0
    assert "\x1b" not in capsys.readouterr().out


def test_no_shuffles_and_no_null(capsys: Capture) -> None:
    found = document(capsys, "--shuffles", "0")
    assert found["networks"][0]["null"]["reason"] == "no shuffles were asked for"
    torch.save({f"{i}.weight": torch.ones(12, 12) for i in range(3)}, "even.pt")
    assert main(["clusters", "even.pt", *QUICK]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "not compared with shuffled weights (paper): shuffling the weights changes" in told
    assert "modules not tested (matched): trading places changes nothing" in told


def test_infinite_ratios_are_shown_and_null_in_json(capsys: Capture) -> None:
    blocks = torch.rand(2, 2, 9, 9, generator=torch.Generator().manual_seed(0))
    torch.save({f"{i}.weight": torch.block_diag(*b) for i, b in enumerate(blocks)}, "two.pt")
    arguments = ["clusters", "two.pt", "--clusters", "2", "--shuffles", "0"]
    assert main(arguments) == 0
    out = capsys.readouterr().out
    assert out.count("∞") == 3 + 3 * 2  # the mean cluster's, each cluster's, and by layer
    assert main([*arguments, "--output-format", "json"]) == 0
    (network,) = json.loads(capsys.readouterr().out)["networks"]
    assert [cluster["in_out_ratio"] for cluster in network["clusters"]] == [None, None]


def test_several_networks_and_one_of_them(capsys: Capture) -> None:
    generator = {f"{i}.weight": w for i, w in enumerate(random_weights(0, *SIZES))}
    critic = {f"{i}.weight": w for i, w in enumerate(random_weights(1, 4, 3, 2))}
    torch.save({"generator": generator, "critic": critic}, "gan.pt")
    assert main(["clusters", "gan.pt", *QUICK]) == 2
    captured = capsys.readouterr()
    assert "network generator  84 neurons" in captured.out
    assert "network critic" not in captured.out
    assert "network critic: 9 connected neurons are too few for 5 clusters" in captured.err
    assert main(["clusters", "gan.pt", *QUICK, "--network", "generator"]) == 0
    assert capsys.readouterr().err == ""
    assert main(["clusters", "gan.pt", *QUICK, "--network", "genrator"]) == 2
    error = capsys.readouterr().err
    assert "did you mean `generator`? (known: generator, critic)" in error
    assert main(["clusters", "gan.pt", *QUICK, "--picture", "gan.png"]) == 2
    assert "choose by --network generator, critic" in capsys.readouterr().err
    assert not Path("gan.png").exists()


def test_of_a_network_that_is_too_large_its_blocks(capsys: Capture) -> None:
    config = GPT2Config(n_embd=16, n_layer=2, n_head=2, vocab_size=500, n_positions=8)
    torch.save(GPT2LMHeadModel(config).state_dict(), "gpt2.pt")
    asked = ["clusters", "gpt2.pt", *QUICK, "--max-connections", "6000"]
    assert main([*asked, "--output-format", "json"]) == 0
    ids = {network["id"] for network in json.loads(capsys.readouterr().out)["networks"]}
    assert ids == {"0/transformer.h.0", "0/transformer.h.1"}
    assert main([*asked, "--picture", "gpt2.png"]) == 2
    assert "choose by --network 0/transformer.h.0, 0/tr" in capsys.readouterr().err
    one = ["--network", "0/transformer.h.1"]
    assert main([*asked, *one, "--picture", "gpt2.png"]) == 0
    assert Path("gpt2.png").stat().st_size > 10_000
    found = clusters("gpt2.pt", clusters=5, shuffles=0, network="0/transformer.h.1")
    assert [network.id for network in found.networks] == ["0/transformer.h.1"]
    assert main([*asked, "--max-connections", "100"]) == 2  # no block is small enough
    assert "network 0: 14,144 connections, more than 100" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.pt"], "gone.pt: no such file"),
        (["zero.pt"], "zero.pt: is no checkpoint"),
        (["cut.pt"], "cut.pt: cannot wholly be read: truncated"),
        (["notes.txt"], "notes.txt: is no checkpoint"),
        (["table.pt"], "network 0: "),
        (["model.pt", "--max-connections", "9"], "1,400 connections, more than 9: --max-conn"),
        (["model.pt", "--clusters", "40"], "81 connected neurons are too few for 40 clusters"),
        (["model.pt", "--labels", "labels.txt"], "labels.txt: its name must end in .json or .csv"),
        (["model.pt", "--picture", "p.jpg"], "p.jpg: its name must end in .png or .svg"),
        (["model.pt", "--labels", "no/labels.csv"], "there is no folder no"),
    ],
)
def test_what_cannot_be_shown_is_explained(
    arguments: list[str], message: str, capsys: Capture
) -> None:
    Path("zero.pt").write_bytes(b"")
    Path("cut.pt").write_bytes(Path("model.pt").read_bytes()[:-300])
    Path("notes.txt").write_text("nothing to see\n" * 50)
    torch.save({"table": torch.randn(30, 4)}, "table.pt")
    assert main(["clusters", *arguments]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert "Traceback" not in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    "arguments", [["--clusters", "1"], ["--shuffles", "-1"], ["--seed", "x"], ["--seeds", "0"]]
)
def test_numbers_out_of_range_are_wrong_usage(arguments: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["clusters", "model.pt", *arguments])
    assert stopped.value.code == 2
    assert f"argument {arguments[0]}: " in capsys.readouterr().err


def test_a_picture_without_matplotlib_says_how_to_get_it(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["clusters", "model.pt", *QUICK, "--picture", "model.png"]) == 2
    assert 'python -m pip install "modlint[pictures]"' in capsys.readouterr().err


def test_the_same_command_twice_gives_the_same_bytes() -> None:
    arguments = ("clusters", "model.pt", *QUICK, "--output-format", "json")
    assert modlint(*arguments).stdout == modlint(*arguments).stdout


def test_tables_do_without_matplotlib() -> None:
    code = (
        "import sys; from modlint.cli import main\n"
        "assert main(['clusters', 'model.pt', '--clusters', '5', '--shuffles', '0']) == 0\n"
        "assert 'matplotlib' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_help_names_the_limit_there_is(capsys: Capture) -> None:
    with pytest.raises(SystemExit):
        main(["clusters", "--help"])
    assert f"default: {MAX_CONNECTIONS:,}" in " ".join(capsys.readouterr().out.split())


def test_runs_of_units() -> None:
    assert list(runs([0, 1, 2, 5, 7, 8])) == [(0, 2), (5, 5), (7, 8)]
    assert list(runs([])) == []
    assert listed([0, 1, 2, 5]) == "0-2, 5"
    assert listed(range(0, 20, 2)) == ", ".join(map(str, range(0, 20, 2)))
    assert listed(range(0, 22, 2)).endswith(", 14, and 3 more")
    assert listed(range(1000)) == "0-999"
