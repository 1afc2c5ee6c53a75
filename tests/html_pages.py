"""Reports with everything that a page draws, all of its texts chosen by a test."""

from __future__ import annotations

import io
from typing import Any

from msgspec import UNSET
from report_parts import file_report, network, report_of, verdict

from modlint.difference import (
    AdaptedModule,
    Difference,
    DiffSide,
    LoneTensor,
    Regression,
    Relation,
    TensorChange,
)
from modlint.drawings import Drawings, DrawnLayer, DrawnNetwork, DrawnPanel, DrawnTensor
from modlint.report import Report, RuleEntry
from modlint.reporter import Shown
from modlint.results.histogram import Histogram
from modlint.verdict import Cost, Persona, Severity, Target
from modlint_plugins.reporters.html import document

HISTOGRAM = Histogram(1000, -1.0, 2.0, (1, 5, 90, 800, 90, 14), 0, 0)
PAGE = (
    "```text\n" + "a line that is long " * 20 + "\n```\n\n"
    "# NUM001 non-finite\n\n## What it does\n\nCounts `NaN`.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
)


def rule(code: str, page: str = PAGE, **fields: Any) -> RuleEntry:
    entry: dict[str, Any] = {
        "name": "some-rule",
        "summary": "something",
        "severity": Severity.ERROR,
        "persona": Persona.REGULAR,
        "cost": Cost.PASS,
        "source": "a paper",
        "page": page or UNSET,
    }
    return RuleEntry(code=code, **(entry | fields))


def drawings(text: str, layers: int = 3) -> Drawings:
    tensors = [
        DrawnTensor(
            name=f"{text}{i}",
            dtype=text,
            shape=(8, 8),
            histogram=HISTOGRAM,
            mean=0.0,
            std=1.0,
            minimum=-1.0,
            maximum=2.0,
        )
        for i in range(layers)
    ]
    drawn = [
        DrawnLayer(
            name=f"{text}{i}",
            kind="linear",
            shape=(8, 8),
            source=f"{text}{i}",
            target=f"{text}{i + 1}",
            weight=text,
            activation=text,
            norms=(text,),
        )
        for i in range(layers)
    ]
    panel = DrawnPanel(
        layer=text,
        source=text,
        target=text,
        columns=(2, 2),
        rows=(1, 3),
        width=4,
        height=4,
        pixels=bytes(range(0, 256, 16)),
    )
    networks = (DrawnNetwork(id=text, layers=tuple(drawn), panels=(panel,)),)
    return Drawings(tensors=tuple(tensors), networks=networks, notes=(text,))


def report(text: str) -> Report:
    """Every kind of verdict, two files, and drawings, with one text in every place."""
    found = [
        verdict(
            code,
            "fail",
            Target(kind, text, member=text, offset=7, network=text),
            severity=severity,
            message=text,
            help=text,
            values={"count": 3, "texts": [text], text: text},
            limit={"count": {"max": 1}},
        )
        for code, severity, kind in (
            ("SEC001", Severity.ERROR, "member"),
            ("NUM001", Severity.WARNING, "tensor"),
        )
    ]
    found.append(verdict("FMT010", "fail", message=text, persona=Persona.PEDANTIC))
    found.append(verdict("FMT004", "fail", message=text, baselined=True))
    found.append(verdict("NUM001", "inconclusive", message=text, reason=f"{text}!"))
    samples = [10.0, 10.1, 10.2]
    null = {"ncut": 9.9, "null_samples": samples, "z_score": -2.0, "p_value": 0.25}
    found.append(verdict("CLU001", values=null, target=Target("network", text, network=text)))
    known = network(text, reason=text)
    file = file_report(
        *found, path=text, format=text, remarks=(text,), networks=(known,), drawings=drawings(text)
    )
    other = file_report(path=f"{text}2", format=text, drawings=Drawings(), networks=())
    made = report_of(file, other, problems=(text,), notes=(text,), exit_code=1)
    rules = (rule("NUM001", summary=text, source=text), rule("SEC001", page=""))
    return Report(run=made.run, summary=made.summary, files=made.files, rules=rules)


def difference(text: str) -> Difference:
    side = DiffSide(path=text, format=text, tensors=3, parameters=9, bytes=10)
    changes = [
        TensorChange(kind=kind, old=f"{text}{i}", new=text, relative=relative, note=text)
        for i, (kind, relative) in enumerate(
            (("drifted", 0.5), ("identical", 0.0), ("drifted", 2.0), ("not-compared", None))
        )
    ]
    return Difference(
        old=side,
        new=side,
        relation=Relation.FINE_TUNED,
        why=text,
        changes=tuple(changes),
        dropped=(LoneTensor(name=text, shape=(2,), dtype=text, regression=True),),
        added=(LoneTensor(name=text, shape=(2,), dtype=text, note=text),),
        adapter=(AdaptedModule(module=text, target=text, rank=4, scale=2.0, effect=0.1),),
        regressions=(
            Regression(
                kind="drift",
                severity=Severity.ERROR,
                message=text,
                tensors=(text, text),
                help=text,
            ),
        ),
        gained=(verdict("NUM001", "fail", message=text),),
        notes=(text,),
        problems=(text,),
        exit_code=1,
    )


def written(made: Report | Difference, shown: Shown | None = None) -> str:
    output = io.StringIO()
    if isinstance(made, Difference):
        document.write_difference(made, output)
    else:
        document.write(made, output, shown or Shown())
    return output.getvalue()
