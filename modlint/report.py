"""The report of a run; its field names are the JSON contract ``modlint-report/1``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from modlint.checkpoint import Checkpoint, Status
from modlint.drawings import Drawings
from modlint.errors import ModlintError
from modlint.json_text import plain
from modlint.network import Network
from modlint.text import count, printable
from modlint.verdict import Confidence, Cost, Outcome, Persona, Severity, Verdict

if TYPE_CHECKING:
    import pandas

SCHEMA = "modlint-report/1"


class NetworkReport(msgspec.Struct, frozen=True, kw_only=True):
    """A network as the report names it; `reason` says why there is none."""

    id: str
    source: str | None
    confidence: Confidence | None
    layers: int
    neurons: int
    connections: int
    reason: str | None = None

    @classmethod
    def of(cls, network: Network) -> NetworkReport:
        """Summarise a network."""
        return cls(
            id=network.id,
            source=network.source,
            confidence=network.confidence,
            layers=len(network.calls),
            neurons=network.neurons,
            connections=network.connections,
            reason=network.reason,
        )


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """One file: what it is and what the rules say of it; of an index, its shards' names.

    `drawings` are there where an output format draws them.
    """

    path: str
    status: Status
    format: str
    bytes: int
    tensors: int
    parameters: int
    remarks: tuple[str, ...] = ()
    shards: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    networks: tuple[NetworkReport, ...] = ()
    verdicts: tuple[Verdict, ...] = ()
    drawings: Drawings | msgspec.UnsetType = msgspec.UNSET

    @classmethod
    def of(
        cls,
        path: str,
        checkpoint: Checkpoint,
        networks: Sequence[Network],
        verdicts: Sequence[Verdict],
        drawings: Drawings | None = None,
    ) -> FileReport:
        """Summarise a checkpoint with its networks and verdicts."""
        remarks = [remark.message for remark in checkpoint.remarks]
        remarks += [remark for network in networks for remark in network.remarks]
        return cls(
            path=path,
            status=checkpoint.status,
            format=checkpoint.format,
            bytes=checkpoint.nbytes,
            tensors=len(checkpoint.tensors),
            parameters=checkpoint.parameters,
            remarks=tuple(dict.fromkeys(remarks)),
            shards=checkpoint.shards or msgspec.UNSET,
            networks=tuple(NetworkReport.of(network) for network in networks),
            verdicts=tuple(verdict.fingerprinted(path) for verdict in verdicts),
            drawings=drawings or msgspec.UNSET,
        )

    @classmethod
    def merged(cls, reports: Sequence[FileReport]) -> FileReport:
        """One report of a file that is several containers at once; the first tells its status."""
        first, *others = reports
        if not others:
            return first
        drawn = [report.drawings for report in reports if report.drawings is not msgspec.UNSET]
        return msgspec.structs.replace(
            first,
            format="+".join(dict.fromkeys(report.format for report in reports)),
            tensors=sum(report.tensors for report in reports),
            parameters=sum(report.parameters for report in reports),
            remarks=tuple(dict.fromkeys(text for report in reports for text in report.remarks)),
            networks=tuple(network for report in reports for network in report.networks),
            verdicts=tuple(verdict for report in reports for verdict in report.verdicts),
            drawings=Drawings.merged(drawn) if drawn else msgspec.UNSET,
        )

    @property
    def findings(self) -> tuple[Verdict, ...]:
        """The failed verdicts, the worst first."""
        failed = (v for v in self.verdicts if v.outcome is Outcome.FAIL)
        return tuple(sorted(failed, key=lambda v: -v.severity.rank))


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over all files; `error`, `warning` and `note` count findings.

    `information` counts verdicts of that severity whatever their outcome; `baselined`, findings
    that the user has accepted, which no other count includes.
    """

    files: int = 0
    passed: int = 0
    error: int = 0
    warning: int = 0
    note: int = 0
    information: int = 0
    inconclusive: int = 0
    not_applicable: int = 0
    baselined: int = 0

    @classmethod
    def of(cls, files: Sequence[FileReport]) -> Summary:
        """Count the verdicts of all files."""
        verdicts = [verdict for file in files for verdict in file.verdicts]
        live = [v for v in verdicts if not v.baselined]

        def failed(severity: Severity) -> int:
            return sum(v.outcome is Outcome.FAIL and v.severity is severity for v in live)

        return cls(
            files=len(files),
            passed=sum(v.outcome is Outcome.PASS for v in live),
            error=failed(Severity.ERROR),
            warning=failed(Severity.WARNING),
            note=failed(Severity.NOTE),
            information=sum(v.severity is Severity.INFORMATION for v in live),
            inconclusive=sum(v.outcome is Outcome.INCONCLUSIVE for v in live),
            not_applicable=sum(v.outcome is Outcome.NOT_APPLICABLE for v in live),
            baselined=len(verdicts) - len(live),
        )


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """How the report came about.

    `torch` is null where torch computed nothing, `device` where nothing was computed.
    """

    modlint: str
    plugins: Mapping[str, str]
    torch: str | None
    device: str | None
    seed: int
    seconds: float
    settings: Mapping[str, Any]
    exit_code: int
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class RuleEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A rule of the run, for whoever reads the report without modlint.

    Attributes:
        severity: of its findings, as the settings have it.
        persona: who wants to know of its findings.
        cost: what it asks for: "structure", "pass" or "deep".
        source: where the check comes from.
        url: its page, null where it has no address.
        page: its page in Markdown, where the output format asks for it.
    """

    code: str
    name: str
    summary: str
    severity: Severity
    persona: Persona
    cost: Cost
    source: str
    url: str | None = None
    page: str | msgspec.UnsetType = msgspec.UNSET


class FindingsError(ModlintError):
    """A report has findings that whoever asked does not accept, or its run failed.

    Args:
        message: what was found, a line each.
        report: the whole report.
    """

    def __init__(self, message: str, report: Report) -> None:
        super().__init__(message)
        self.report = report


_RAISED = 20
"""Findings that an error names; the report has all."""


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run.

    `problems` of the run are missing paths and plugins that failed to load; `notes` say what was
    passed over, and what a configuration file that nobody named switches off. `rules` are those
    that reached a verdict.
    """

    schema: str = SCHEMA
    run: Run
    summary: Summary
    rules: tuple[RuleEntry, ...] = ()
    files: tuple[FileReport, ...]

    @property
    def ok(self) -> bool:
        """Whether the command line would end in exit code 0."""
        return self.run.exit_code == 0

    @property
    def findings(self) -> tuple[Verdict, ...]:
        """What failed and weighs a note or more, in all files, the worst of each file first.

        Findings that were accepted are left out.
        """
        found = (verdict for file in self.files for verdict in file.findings)
        return tuple(v for v in found if v.severity.rank >= Severity.NOTE.rank and not v.baselined)

    def raise_for_findings(self, at_least: Severity | str = "error") -> Report:
        """Go on with the report where nothing was found, raise where something was.

        Args:
            at_least: the least severity that raises.

        Raises:
            FindingsError: there is a finding of that severity, or the run ended in exit code 2, or
                it is strict and failed.
            ValueError: there is no such severity.
        """
        if at_least not in tuple(Severity):
            known = ", ".join(Severity)
            raise ValueError(f"at_least is {at_least!r}, and no severity; they are: {known}")
        lines = list(self._lines(Severity(at_least).rank))
        failed = self.run.exit_code == 2 or (self.run.exit_code and self.run.settings.get("strict"))
        if not lines and not failed:
            return self
        problems = [printable(problem) for problem in self.run.problems]
        if failed and not lines and not problems:
            problems = ["a strict run with inconclusive verdicts or inputs that were not read"]
        more = len(lines) - _RAISED
        listed = lines[:_RAISED] + [f"and {count(more, 'more finding')}"] * (more > 0)
        title = count(len(lines), "finding") if lines else "the run failed"
        raise FindingsError("\n  ".join((title, *listed, *problems)), self)

    def to_dict(self) -> dict[str, Any]:
        """The JSON report, `modlint-report/1`, as dictionaries and lists."""
        return plain(self)

    def to_dataframe(self) -> pandas.DataFrame:
        """A row for each verdict: its file, and its fields, those of its target among them.

        Raises:
            ImportError: pandas is not installed.
        """
        from modlint.frames import dataframe

        rows = [
            {"path": file["path"], "format": file["format"]} | _flat(verdict)
            for file in self.to_dict()["files"]
            for verdict in file["verdicts"]
        ]
        return dataframe(rows, COLUMNS)

    def _lines(self, least: int) -> Iterator[str]:
        for file in self.files:
            for verdict in file.findings:
                if verdict.severity.rank >= least and not verdict.baselined:
                    what = f"{verdict.rule} {verdict.severity} {verdict.target.name}"
                    yield printable(f"{file.path}: {what}: {verdict.message} [{verdict.name}]")

    def _repr_html_(self) -> str:
        from modlint.notebook.report import report_html

        return report_html(self.to_dict())

    def __repr__(self) -> str:
        found = count(len(self.findings), "finding")
        files = count(len(self.files), "file")
        return f"<modlint.Report: {found} in {files}, exit code {self.run.exit_code}>"


_OF_TARGET = {
    "target": "name",
    "target_kind": "kind",
    "network": "network",
    "member": "member",
    "offset": "offset",
}
_OF_VERDICT = ("rule", "name", "outcome", "severity", "confidence")
_TEXTS = ("message", "help", "reason", "values", "limit", "baselined", "fingerprint")
COLUMNS = ("path", "format", *_OF_VERDICT, *_OF_TARGET, *_TEXTS)
"""Of the data frame."""


def _flat(verdict: Mapping[str, Any]) -> dict[str, Any]:
    target = {column: verdict["target"][key] for column, key in _OF_TARGET.items()}
    return {key: verdict[key] for key in (*_OF_VERDICT, *_TEXTS)} | target
