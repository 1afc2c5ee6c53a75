"""What a rule is: data about a check, and a generator of verdicts from analyses' results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec

from modlint.analysis.base import Analysis, TensorAnalysis
from modlint.checkpoint import Checkpoint, Status, Tensor
from modlint.network import Network, Unplaced
from modlint.rule_reference import RuleReference
from modlint.verdict import Confidence, Cost, Outcome, Persona, Severity, Target, Verdict

R = TypeVar("R")
S = TypeVar("S")
Need = Analysis[Any, Any]

_STATED = ("code", "name", "summary", "severity", "confidence", "persona", "cost", "source")
"""What a reference says of its rule."""


class Options(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="kebab"):
    """Base of a rule's options; each field's `Meta` holds its bounds, unit and description."""


OptionsT = TypeVar("OptionsT", bound=Options)


class Examination(Protocol):
    """What a rule is given of a file: inert facts and the analyses' results, never a tensor."""

    @property
    def checkpoint(self) -> Checkpoint:
        """What the reader returned."""
        ...

    @property
    def networks(self) -> tuple[Network, ...]:
        """The file's networks, each rebuilt or with the reason why not."""
        ...

    @property
    def unplaced(self) -> tuple[Unplaced, ...]:
        """Weights of layers that stand in no network, and why."""
        ...

    @property
    def unexamined(self) -> Mapping[str, str]:
        """By tensor name, why no tensor analysis could examine it."""
        ...

    @property
    def selected(self) -> frozenset[str]:
        """Codes of all rules that judge the file: what one of them tells, no other need repeat."""
        ...

    @property
    def reference(self) -> Examination | None:
        """The checkpoint that the file is compared with, None where the user gives none.

        One examination serves all files of a run. The subjects of its results are its own.

        Raises:
            Unavailable: it cannot be read.
        """
        ...

    def result(self, analysis: Analysis[S, R], subject: S) -> R:
        """The analysis' result on its subject, computed once.

        Args:
            analysis: one that the rule's `needs` name.
            subject: the checkpoint for a file analysis, one of its tensors, a network or one of
                its layers, a `modlint.analysis.base.Pair` of two.

        Raises:
            Unavailable: it has none.
            UndeclaredNeed: the rule's `needs` do not name it.
        """
        ...

    def results(self, analysis: TensorAnalysis[R]) -> Iterator[tuple[Tensor, R]]:
        """Every tensor that the analysis examined, with its result, in the file's order."""
        ...


class Rule(Generic[OptionsT]):
    """A check of a whole file.

    A class states what it is once: in the `RuleReference` that its plugin offers, which it takes as
    ``class NonFinite(TensorRule[Options], reference=NON_FINITE)``, or in attributes of its own.

    Attributes:
        code: three letters and three digits ("NUM001").
        name: what is wrong, in kebab case ("non-finite").
        summary: one line for `modlint rules`.
        severity: of a finding, unless the rule says otherwise or the settings override it.
        confidence: how far a finding is proof.
        persona: who wants to know of its findings.
        cost: what it asks for; one that is deep runs where the user asks for it.
        source: where the check comes from: a paper with section, a specification.
        options_type: the options class; its defaults are the rule's.
        statuses: the files that the rule can judge; most need one that was read.
        reports_faults: whether it reports what could not be read; where no selected rule does,
            the engine makes the others inconclusive.
        strict_severity: of a finding under `--strict`, where it differs.
        needs_reference: whether it compares the file with `Examination.reference`; it is not run
            where the user gives none.
        portrayed: whether one of severity information runs unasked where the output shows what it
            measures.
    """

    code: ClassVar[str]
    name: ClassVar[str]
    summary: ClassVar[str]
    severity: ClassVar[Severity]
    confidence: ClassVar[Confidence] = Confidence.HIGH
    persona: ClassVar[Persona] = Persona.REGULAR
    cost: ClassVar[Cost] = Cost.STRUCTURE
    source: ClassVar[str]
    options_type: ClassVar[type[Options]] = Options
    statuses: ClassVar[frozenset[Status]] = frozenset({Status.CHECKED})
    reports_faults: ClassVar[bool] = False
    strict_severity: ClassVar[Severity | None] = None
    needs_reference: ClassVar[bool] = False
    portrayed: ClassVar[bool] = True

    def __init_subclass__(cls, *, reference: RuleReference | None = None, **keywords: Any) -> None:
        """Take what the reference says of the rule."""
        super().__init_subclass__(**keywords)
        for name in _STATED if reference is not None else ():
            setattr(cls, name, getattr(reference, name))

    def __init__(self, options: OptionsT, configured_severity: Severity | None = None) -> None:
        self.options = options
        self.configured_severity = configured_severity

    def needs(self) -> tuple[Need, ...]:
        """The analyses that it asks for, all of them; those of tensors run in the one visit."""
        return ()

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Judge a file.

        Raises:
            Unavailable: a need cannot be met; the engine adds an inconclusive verdict.
        """
        raise NotImplementedError

    def weigh(self, verdict: Verdict, configured: Severity) -> Severity:  # noqa: ARG002
        """The severity of a finding where the settings, or `--strict`, give the rule one."""
        return configured

    @classmethod
    def page(cls) -> str:
        """The rule's page: the Markdown file beside its module."""
        from importlib import resources

        package, _, module = cls.__module__.rpartition(".")
        page = resources.files(package).joinpath(f"{module}.md")
        return page.read_text(encoding="utf-8") if page.is_file() else (cls.__doc__ or cls.summary)

    def passed(
        self,
        target: Target,
        message: str,
        *,
        values: Mapping[str, Any] | None = None,
        limit: Mapping[str, Mapping[str, float]] | None = None,
        confidence: Confidence | None = None,
    ) -> Verdict:
        """A passing verdict, with what was measured."""
        return self._verdict(Outcome.PASS, target, message, values, limit, confidence=confidence)

    def failed(
        self,
        target: Target,
        message: str,
        *,
        help: str,
        values: Mapping[str, Any] | None = None,
        limit: Mapping[str, Mapping[str, float]] | None = None,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> Verdict:
        """A finding, with what to do about it."""
        verdict = self._verdict(
            Outcome.FAIL, target, message, values, limit, severity=severity, confidence=confidence
        )
        return msgspec.structs.replace(verdict, help=help)

    def decided(
        self,
        target: Target,
        message: str,
        *,
        passes: bool,
        help: str,
        values: Mapping[str, Any] | None = None,
        limit: Mapping[str, Mapping[str, float]] | None = None,
        confidence: Confidence | None = None,
    ) -> Verdict:
        """A passing verdict or a finding, which only the measured values tell apart."""
        if passes:
            return self.passed(target, message, values=values, limit=limit, confidence=confidence)
        return self.failed(
            target, message, help=help, values=values, limit=limit, confidence=confidence
        )

    def inconclusive(self, target: Target, reason: str) -> Verdict:
        """A verdict that could not be reached."""
        verdict = self._verdict(Outcome.INCONCLUSIVE, target, reason, None, None)
        return msgspec.structs.replace(verdict, reason=reason)

    def not_applicable(self, target: Target, reason: str) -> Verdict:
        """What is said once of a file that does not have the rule's subject.

        Args:
            target: the file.
            reason: what the file does not have.
        """
        verdict = self._verdict(Outcome.NOT_APPLICABLE, target, reason, None, None)
        return msgspec.structs.replace(verdict, reason=reason)

    def _verdict(
        self,
        outcome: Outcome,
        target: Target,
        message: str,
        values: Mapping[str, Any] | None,
        limit: Mapping[str, Mapping[str, float]] | None,
        *,
        severity: Severity | None = None,
        confidence: Confidence | None = None,
    ) -> Verdict:
        return Verdict(
            rule=self.code,
            name=self.name,
            outcome=outcome,
            severity=severity or self.severity,
            confidence=confidence or self.confidence,
            persona=self.persona,
            target=target,
            values=values or {},
            limit=limit or {},
            message=message,
        )
