"""From the settings to rules with their options."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from modlint.errors import UsageError, explained
from modlint.rule import Rule
from modlint.rule_reference import RuleReference
from modlint.settings.config import Settings, convert, nearest
from modlint.settings.profiles import options_of_profiles
from modlint.settings.select import selected_somewhere
from modlint.verdict import Severity


def instantiate(
    references: Mapping[str, RuleReference], settings: Settings, failures: list[str]
) -> dict[str, Rule[Any]]:
    """The rules that are selected, with their options, by code.

    `settings.seed` serves rules that set none. Those that are only configured are imported too, to
    see whether the options are right; no other rule is.

    Args:
        references: every rule, by code.
        settings: what the user wants.
        failures: where it is noted which rule cannot be imported.

    Raises:
        UsageError: an unknown rule, an unknown option, or a value of the wrong kind or range.
    """
    tables = _tables_by_code(references, settings)
    selected = {rule.code for rule in selected_somewhere(settings, references.values())}
    rules = {}
    for code, reference in references.items():
        if code in selected or code in tables:
            try:
                rule = reference.load()
            except Exception as error:  # a plugin's import may raise anything
                failures.append(f"rule {code} of {reference.module}: {explained(error)}")
            else:
                rules[code] = _instantiate(rule, tables.get(code, {}), settings)
    return {code: rule for code, rule in rules.items() if code in selected}


def _tables_by_code(
    rules: Mapping[str, RuleReference], settings: Settings
) -> dict[str, dict[str, Any]]:
    codes = {rule.name: code for code, rule in rules.items()} | {code: code for code in rules}
    tables: dict[str, dict[str, Any]] = {}
    for code, table in options_of_profiles(settings):
        if code in rules:
            tables.setdefault(code, {}).update(table)
    for name, table in settings.rules.items():
        if name not in codes:
            raise UsageError(f"rules.{name}: unknown rule{nearest(name, codes)}")
        tables.setdefault(codes[name], {}).update(table)
    return tables


def _instantiate(rule: type[Rule[Any]], table: dict[str, Any], settings: Settings) -> Rule[Any]:
    where = f"rules.{rule.name}"
    options = {key: value for key, value in table.items() if key != "severity"}
    severity = table.get("severity")
    if severity is not None and severity not in tuple(Severity):
        raise UsageError(f"{where}: severity `{severity}` is none of {', '.join(Severity)}")
    fields = {field.encode_name: field for field in msgspec.structs.fields(rule.options_type)}
    if "seed" in fields and fields["seed"].default != settings.seed:
        options.setdefault("seed", settings.seed)
    # validating what nobody set would cost more than the rest of the start-up of a rule
    values = convert(options, rule.options_type, where) if options else rule.options_type()
    return rule(values, severity and Severity(severity))
