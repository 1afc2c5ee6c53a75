"""The report of a run; its field names are the JSON contract ``modlint-report/1``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from modlint.checkpoint import Checkpoint, Status
from modlint.network import Network
from modlint.verdict import Confidence, Cost, Outcome, Persona, Severity, Verdict

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
            layers=len(network.layers),
            neurons=network.neurons,
            connections=network.connections,
            reason=network.reason,
        )


class FileReport(msgspec.Struct, frozen=True, kw_only=True):
    """One file: what it is and what the rules say of it; of an index, its shards' names."""

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

    @classmethod
    def of(
        cls,
        path: str,
        checkpoint: Checkpoint,
        networks: Sequence[Network],
        verdicts: Sequence[Verdict],
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
        )

    @classmethod
    def merged(cls, reports: Sequence[FileReport]) -> FileReport:
        """One report of a file that is several containers at once; the first tells its status."""
        first, *others = reports
        if not others:
            return first
        return msgspec.structs.replace(
            first,
            format="+".join(dict.fromkeys(report.format for report in reports)),
            tensors=sum(report.tensors for report in reports),
            parameters=sum(report.parameters for report in reports),
            remarks=tuple(dict.fromkeys(text for report in reports for text in report.remarks)),
            networks=tuple(network for report in reports for network in report.networks),
            verdicts=tuple(verdict for report in reports for verdict in report.verdicts),
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


class RuleReport(msgspec.Struct, frozen=True, kw_only=True):
    """A rule as the report's catalogue names it, with the severity that the settings give it."""

    code: str
    name: str
    summary: str
    severity: Severity
    persona: Persona
    cost: Cost
    source: str
    url: str | None = None


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
    """

    code: str
    name: str
    summary: str
    severity: Severity
    persona: str
    cost: str
    source: str
    url: str | None = None


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """A whole run; `rules` are those that were selected.

    `problems` of the run are missing paths and plugins that failed to load; `notes` say what was
    passed over, and what a configuration in the checked folder switches off. `rules` are those
    that reached a verdict.
    """

    schema: str = SCHEMA
    run: Run
    summary: Summary
    rules: tuple[RuleEntry, ...] = ()
    files: tuple[FileReport, ...]
