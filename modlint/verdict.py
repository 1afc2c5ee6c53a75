"""What a rule says of a target: its verdict."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import Any, Literal

import msgspec


class Outcome(enum.StrEnum):
    """A finding is a failed verdict; what could not be examined, or is not there, is no pass."""

    PASS = "pass"
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"  # should have been examined and was not
    NOT_APPLICABLE = "not-applicable"  # the file has no such subject


class Severity(enum.StrEnum):
    """How much a finding weighs; information is measured against a limit that fails nothing."""

    INFORMATION = "information"
    NOTE = "note"
    WARNING = "warning"
    ERROR = "error"

    @property
    def rank(self) -> int:
        """Order: information −1, note 0, warning 1, error 2."""
        return _SEVERITIES[self]


class Confidence(enum.StrEnum):
    """How sure a statement is: a statistic is not a proof."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def rank(self) -> int:
        """Order: low 0, medium 1, high 2."""
        return _CONFIDENCES[self]


class Persona(enum.StrEnum):
    """Who wants to know: every user, one who wants the smells too, or one who audits."""

    REGULAR = "regular"
    PEDANTIC = "pedantic"
    AUDITOR = "auditor"

    @property
    def rank(self) -> int:
        """Order: regular 0, pedantic 1, auditor 2; each is told what those before it are."""
        return _PERSONAS[self]


_SEVERITIES = {severity: rank for rank, severity in enumerate(Severity, start=-1)}
_CONFIDENCES = {confidence: rank for rank, confidence in enumerate(Confidence)}
_PERSONAS = {persona: rank for rank, persona in enumerate(Persona)}


class Cost(enum.StrEnum):
    """What a rule asks for: the file's structure, the one visit of each tensor, or more."""

    STRUCTURE = "structure"
    PASS = "pass"
    DEEP = "deep"


TargetKind = Literal["file", "tensor", "layer", "units", "network", "member"]


class Target(msgspec.Struct, frozen=True):
    """What a verdict is about.

    Attributes:
        kind: what sort of thing.
        name: its name; the file's own name for kind "file".
        network: id of the network that it belongs to, if any.
        units: indices of the neurons concerned, if any.
        member: archive member, if any.
        offset: byte offset, in the member where one is given, else in the file.
    """

    kind: TargetKind
    name: str
    network: str | None = None
    units: tuple[int, ...] | None = None
    member: str | None = None
    offset: int | None = None


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule says of one target; the field names are the JSON report's.

    Attributes:
        persona: who wants to know.
        values: measurements by name; numbers that are not finite become null.
        limit: by the name of a value, its bound: ``{"p_value": {"max": 0.05}}``.
        message: what was measured, in one sentence.
        help: what to do about it.
        reason: why it is inconclusive or not applicable.
        baselined: whether it is a finding that the user has accepted.
        fingerprint: stable identity of the finding across runs, set by the engine.
    """

    rule: str
    name: str
    outcome: Outcome
    severity: Severity
    confidence: Confidence
    persona: Persona = Persona.REGULAR
    target: Target
    values: Mapping[str, Any] = {}
    limit: Mapping[str, Mapping[str, int | float]] = {}
    message: str = ""
    help: str | None = None
    reason: str | None = None
    baselined: bool = False
    fingerprint: str = ""

    def fingerprinted(self, path: str) -> Verdict:
        """The same verdict with the fingerprint that rule, path and target give it.

        What stands at a byte offset is told by its message: an offset moves with every change.
        Other findings on one target are told apart by their value "fault".
        """
        import hashlib

        where = (self.target.kind, self.target.name, self.target.network or "")
        fault = str(self.values.get("fault", ""))
        what = fault if self.target.offset is None else self.message
        text = "\0".join((self.rule, path, *where, self.target.member or "", what))
        digest = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
        return msgspec.structs.replace(self, fingerprint=digest)
