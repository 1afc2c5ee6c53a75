"""What is known of a rule before it is imported: enough to list it and to select it."""

from __future__ import annotations

import importlib
from typing import Any

import msgspec

from modlint.verdict import Confidence, Cost, Persona, Severity


class RuleReference(msgspec.Struct, frozen=True, kw_only=True):
    """A rule and where it lies; what it says is what the rule's class says.

    Attributes:
        code: three letters and three digits ("NUM001").
        name: what is wrong, in kebab case ("non-finite").
        severity: of a finding.
        summary: one line for `modlint rules`.
        source: where the check comes from: a paper with section, a specification.
        place: the module and the class in it ("modlint_rules.numbers.non_finite:NonFinite").
        confidence: how far a finding is proof.
        cost: what it asks for: "structure", "pass" (the one visit of each tensor) or "deep".
        url: address of its page, where it has one.
        persona: who wants to know of its findings: "regular", "pedantic" or "auditor".
    """

    code: str
    name: str
    severity: Severity
    summary: str
    source: str
    place: str
    confidence: Confidence = Confidence.HIGH
    url: str | None = None
    cost: Cost = Cost.STRUCTURE
    persona: Persona = Persona.REGULAR

    @property
    def module(self) -> str:
        """The module that holds the rule."""
        return self.place.partition(":")[0]

    def load(self) -> type[Any]:
        """Import the rule: a subclass of `modlint.rule.Rule`.

        Raises:
            ImportError: its module cannot be imported.
            AttributeError: the module has no such class.
        """
        module, _, name = self.place.partition(":")
        rule: type[Any] = getattr(importlib.import_module(module), name)
        return rule
