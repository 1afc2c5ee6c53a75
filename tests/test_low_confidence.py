"""What is found of a network of low confidence is a note at most, until the user confirms it."""

from __future__ import annotations

import pytest
from hand_built import random_chain
from msgspec.structs import replace

from modlint.network import Network
from modlint.scopes import as_sure_as
from modlint.verdict import Confidence, Outcome, Persona, Severity, Target, Verdict


def _verdict(severity: Severity, outcome: Outcome = Outcome.FAIL) -> Verdict:
    return Verdict(
        rule="EXA001",
        name="example",
        outcome=outcome,
        severity=severity,
        confidence=Confidence.HIGH,
        persona=Persona.REGULAR,
        target=Target("network", "0"),
        message="found",
    )


def _network(confidence: Confidence) -> Network:
    return replace(random_chain(0, 4, 3, 2).network, confidence=confidence)


@pytest.mark.parametrize(
    ("severity", "expected"),
    [
        (Severity.ERROR, Severity.NOTE),
        (Severity.WARNING, Severity.NOTE),
        (Severity.NOTE, Severity.NOTE),
        (Severity.INFORMATION, Severity.INFORMATION),
    ],
)
def test_low_confidence_weighs_a_note_at_most(severity: Severity, expected: Severity) -> None:
    found = as_sure_as(_network(Confidence.LOW), _verdict(severity))
    assert (found.severity, found.confidence) == (expected, Confidence.LOW)


@pytest.mark.parametrize("confidence", [Confidence.MEDIUM, Confidence.HIGH])
def test_other_networks_only_bound_the_confidence(confidence: Confidence) -> None:
    found = as_sure_as(_network(confidence), _verdict(Severity.ERROR))
    assert (found.severity, found.confidence) == (Severity.ERROR, confidence)


def test_a_pass_keeps_its_severity() -> None:
    found = as_sure_as(_network(Confidence.LOW), _verdict(Severity.WARNING, Outcome.PASS))
    assert (found.severity, found.confidence) == (Severity.WARNING, Confidence.LOW)
