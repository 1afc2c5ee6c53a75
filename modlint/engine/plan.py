"""What a check does to each of its files, settled before the first: frozen, and shared by all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from modlint.analysis.base import Progress
from modlint.analysis.values import device_for
from modlint.builder import Built, Stated
from modlint.checkpoint import Checkpoint
from modlint.engine.examine import FileExamination, Reference
from modlint.engine.load import build_networks, load_whole
from modlint.engine.registry import Registry
from modlint.errors import Unavailable, UnreadableError
from modlint.report import RuleEntry
from modlint.rule import Rule
from modlint.settings.config import Configuration
from modlint.settings.deep import is_asked_for, is_portrayed
from modlint.settings.rule_settings import instantiate
from modlint.settings.select import Patterns, is_closed, select_rules, validate_selectors
from modlint.verdict import Cost


class CheckPlan(Struct, frozen=True):
    """The plan of a check: whoever has it can check any file, here or elsewhere.

    Attributes:
        configuration: the settings.
        registry: what the plugins offer.
        rules: the rules with their options, by code.
        reference: the checkpoint that files are compared with.
        closed: whether what was not wholly examined is an error.
        errors: what is wrong with the plan, and leaves the files to be checked all the same.
        structure_only: whether the tensors are judged elsewhere: those of a shard with its index.
    """

    configuration: Configuration
    registry: Registry
    rules: Mapping[str, Rule[Any]]
    reference: Reference
    closed: bool
    errors: tuple[str, ...]
    structure_only: bool = False

    @property
    def catalogue(self) -> tuple[RuleEntry, ...]:
        """What the report says of the rules."""
        entries = []
        for code, rule in self.rules.items():
            known = self.registry.rules[code]
            entry = RuleEntry(
                code=code,
                name=known.name,
                summary=known.summary,
                severity=rule.configured_severity or known.severity,
                persona=known.persona,
                cost=known.cost,
                source=known.source,
                url=known.url,
                page=rule.page() if self.configuration.explains else msgspec.UNSET,
            )
            entries.append(entry)
        return tuple(entries)

    def rules_for(self, path: Path) -> list[Rule[Any]]:
        """The rules that run on a file."""
        settings = self.configuration.settings
        return [rule for rule in self._selected_for(path) if is_asked_for(rule, settings)]

    def portrayed_for(self, path: Path) -> list[Rule[Any]]:
        """The rules that nobody asked for and that run for what the output shows of a file."""
        if not self.configuration.portrays:
            return []
        asked = self.rules_for(path)
        rules = self._selected_for(path)
        return [rule for rule in rules if rule not in asked and is_portrayed(rule)]

    def _selected_for(self, path: Path) -> list[Rule[Any]]:
        """The rules that the settings select for a file."""
        selected = select_rules(self.configuration, self.registry.rules.values(), path)
        rules = [self.rules[rule.code] for rule in selected if rule.code in self.rules]
        if not self.structure_only:
            return rules
        return [rule for rule in rules if rule.cost is Cost.STRUCTURE]

    def examination(self, checkpoint: Checkpoint, progress: Progress) -> FileExamination:
        """Begin the examination of what was read."""
        reference = self.reference
        if isinstance(reference, FileExamination):
            reference = reference.seen(
                lambda what, done, total: progress(f"baseline, {what}", done, total)
            )
        return _examination(checkpoint, self.configuration, self.registry, progress, reference)


def plan_check(configuration: Configuration, registry: Registry) -> CheckPlan:
    """Settle what a check does, and read the checkpoint that `baseline-model` names.

    Where that cannot be read the plan says so, and rules that compare become inconclusive.

    Raises:
        UsageError: a selector, a rule's option or the device is wrong.
    """
    settings = configuration.settings
    registry.load_all()
    validate_selectors(settings, registry.rules)
    errors: list[str] = []
    rules = instantiate(registry.rules, settings, errors)
    if settings.device == "cuda":
        device_for(settings.device, 0)
    reference = _reference(configuration, registry)
    if isinstance(reference, Unavailable):
        errors.append(str(reference))
    elif reference is not None:
        path = reference.checkpoint.path
        errors += [f"baseline model {path}: {e}" for e in reference.internal_errors]
    closed = is_closed(settings, registry.rules.values())
    return CheckPlan(configuration, registry, rules, reference, closed, tuple(errors))


def _reference(configuration: Configuration, registry: Registry) -> Reference:
    setting = configuration.settings.baseline_model
    if setting is None:
        return None
    try:
        checkpoint = load_whole(Path(setting), registry.readers)
    except UnreadableError as error:
        return Unavailable(f"baseline model {setting}: {error}")
    examination = _examination(checkpoint, configuration, registry, lambda *_: None, None)
    _ = examination.networks  # once: every file is compared with the same
    return examination


def _examination(
    checkpoint: Checkpoint,
    configuration: Configuration,
    registry: Registry,
    progress: Progress,
    reference: Reference,
) -> FileExamination:
    errors: list[str] = []

    def built() -> Built:
        said = [
            known
            for known in configuration.settings.networks
            if Patterns([known.files], configuration.root).match(checkpoint.path)
        ]
        order = next((known.order for known in said if known.order is not None), None)
        edges = next((known.edges for known in said if known.edges), ())
        stated = Stated(
            order=order, edges=edges, architectures=configuration.settings.architectures
        )
        found = build_networks(checkpoint, registry.builders, errors, stated)
        for known in said:
            found = found.with_activation(known.activation)
        return found

    def opening(name: str) -> FileExamination:
        beside = load_whole(checkpoint.path.parent / name, registry.readers)
        return _examination(beside, configuration, registry, progress, None)

    device = configuration.settings.device
    return FileExamination(
        checkpoint, built, device, progress, errors, reference, registry.computing, opening
    )
