"""Keep what a release offers, so that a test can tell whether a later one takes something away.

Usage: python scripts/freeze_contract.py [--check]

Writes docs/schemas/released/VERSION: the JSON Schemas as they are, and contract.json, which lists
rules with their severity and persona, profiles, output formats, commands with their options,
hooks, what `modlint` and the modules for plugins offer, and fingerprints of findings. What is
promised of each: docs/stability.md.
Run it when a version is released; what an earlier release left there never changes.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import json
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import modlint
from modlint import hookspecs
from modlint.cli.parser import build_parser
from modlint.engine.registry import Registry, load_registry
from modlint.rule_reference import RuleReference
from modlint.settings.profiles import PROFILES
from modlint.verdict import Confidence, Outcome, Severity, Target, Verdict

SCHEMAS = Path(__file__).resolve().parents[1] / "docs" / "schemas"
RELEASED = SCHEMAS / "released"
OWN = ("modlint_rules.", "modlint_plugins.")
FOR_PLUGINS = {
    "modlint.analysis.base": (
        *("FileAnalysis", "TensorAnalysis", "LayerAnalysis", "NetworkAnalysis", "PairAnalysis"),
        *("Accumulator", "Chunk", "Inputs", "Pair"),
    ),
    "modlint.analysis.statistics": ("TensorStatistics",),
    "modlint.analysis.values": ("require_torch",),
    "modlint.builder": ("Built", "NetworkBuilder", "Stated"),
    "modlint.checkpoint": ("Checkpoint", "Remark", "Role", "Status", "Storage", "Tensor"),
    "modlint.comparison": ("counterpart",),
    "modlint.drawings": ("Drawings",),
    "modlint.errors": ("ModlintError", "Unavailable", "UnreadableError", "UsageError"),
    "modlint.looks": ("look_at",),
    "modlint.network": ("Call", "Group", "Network", "Unplaced", "Value"),
    "modlint.reader": ("Found", "Reader", "Sweep"),
    "modlint.report": ("FileReport", "Report", "Run", "Summary"),
    "modlint.reporter": ("Reporter", "Shown"),
    "modlint.results.statistics": ("Statistics",),
    "modlint.rule": ("Examination", "Options", "Rule"),
    "modlint.rule_reference": ("RuleReference",),
    "modlint.scopes": ("FileRule", "LayerRule", "NetworkRule", "TensorRule"),
    "modlint.source": ("Source", "open_source"),
    "modlint.targets": ("of_layer", "of_network", "of_tensor", "place_in_file", "whole_file"),
    "modlint.text": ("printable",),
    "modlint.verdict": (
        "Confidence",
        "Cost",
        "Outcome",
        "Persona",
        "Severity",
        "Target",
        "Verdict",
    ),
}
"""What docs/writing-a-plugin.md tells plugins to import."""


def contract() -> dict[str, Any]:
    """What this version offers."""
    registry = load_registry()
    return {
        "modlint": modlint.__version__,
        "rules": {rule.code: rule.name for rule in own_rules(registry)},
        "weights": {rule.code: f"{rule.severity} {rule.persona}" for rule in own_rules(registry)},
        "profiles": sorted(PROFILES),
        "output-formats": sorted(own_formats(registry)),
        "commands": dict(sorted(commands())),
        "python": {name: shape(getattr(modlint, name)) for name in sorted(modlint.__all__)},
        "hooks": sorted(name for name in vars(hookspecs) if name.startswith("modlint_")),
        "for-plugins": {
            module: {name: shape(getattr(importlib.import_module(module), name)) for name in names}
            for module, names in FOR_PLUGINS.items()
        },
        "fingerprints": {name: fingerprint(name) for name in FINDINGS},
    }


def own_rules(registry: Registry) -> list[RuleReference]:
    """The rules that modlint brings, by code."""
    own = [rule for rule in registry.rules.values() if rule.module.startswith(OWN)]
    return sorted(own, key=lambda rule: rule.code)


def own_formats(registry: Registry) -> Iterator[str]:
    """The output formats that modlint brings."""
    for name, reporter in registry.reporters.items():
        if type(reporter).__module__.startswith(OWN):
            yield name


def commands() -> Iterator[tuple[str, list[str]]]:
    """Each command with its options."""
    actions = build_parser()._actions
    (found,) = (action for action in actions if isinstance(action, argparse._SubParsersAction))
    for name, parser in found.choices.items():
        options = {option for action in parser._actions for option in action.option_strings}
        yield name, sorted(options)


def shape(value: object) -> list[str]:
    """Parameters of a function, `=` where there is a default; public members of a class."""
    if inspect.isclass(value):
        return sorted(members(value))
    own = getattr(value, "__module__", "").startswith("modlint")
    return parameters(value) if own and callable(value) else []


def members(cls: type[Any]) -> set[str]:
    """Public attributes and methods that modlint's own classes declare."""
    own = [base for base in cls.__mro__ if base.__module__.startswith("modlint")]
    declared = {name for base in own for name in (*vars(base), *inspect.get_annotations(base))}
    return {name for name in declared if not name.startswith("_")}


def parameters(function: Callable[..., Any]) -> list[str]:
    """The parameters in order: `x`, `seed=`, `*paths`, `**settings`, `*` before keywords."""
    marks = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    listed: list[str] = []
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and not any(p[0] == "*" for p in listed):
            listed.append("*")
        default = "" if parameter.default is parameter.empty else "="
        listed.append(f"{marks.get(parameter.kind, '')}{parameter.name}{default}")
    return listed


FINDINGS = {
    "of a tensor": (Target("tensor", "fc.weight"), {"non_finite": 1}),
    "of one fault": (Target("file", "model.pt"), {"fault": "truncated"}),
    "in a network": (Target("units", "fc1", network="0", units=(1, 2)), {}),
    "at an offset": (Target("member", "data.pkl", member="model/data.pkl", offset=7), {}),
}
"""Targets and values of findings, whose fingerprints must stay."""


def fingerprint(name: str) -> str:
    """The fingerprint of an example."""
    target, values = FINDINGS[name]
    verdict = Verdict(
        rule="NUM001",
        name="non-finite",
        outcome=Outcome.FAIL,
        severity=Severity.ERROR,
        confidence=Confidence.HIGH,
        target=target,
        values=values,
        message="what is wrong",
    )
    return verdict.fingerprinted("models/model.pt").fingerprint


def kept() -> dict[str, str]:
    """By file name, what is to be kept of this version."""
    found = SCHEMAS.glob("*.schema.json")
    schemas = {path.name: path.read_text(encoding="utf-8") for path in found}
    return {"contract.json": json.dumps(contract(), indent=2) + "\n", **schemas}


def main(*, check: bool) -> int:
    """Keep what is offered now, or say whether it is what was kept of this version."""
    folder = RELEASED / modlint.__version__
    files = kept()
    if check:
        on_disk = {path.name: path.read_text(encoding="utf-8") for path in folder.glob("*")}
        if on_disk != files:
            print(f"{folder} is not what is offered: run scripts/freeze_contract.py")
        return int(on_disk != files)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(check=sys.argv[1:] == ["--check"]))
