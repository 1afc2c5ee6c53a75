"""What a configuration file that nobody named does to a check, and how it is said.

Such a file may come with the checkpoints that are checked. Under the profile `safety` it does not
apply; otherwise what it switches off is said.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from modlint.errors import UsageError
from modlint.rule_reference import RuleReference
from modlint.settings.config import Configuration, Settings, find_config, load_config
from modlint.settings.profiles import is_safety
from modlint.settings.select import is_about_safety, select_rules
from modlint.text import count, printable
from modlint.verdict import Confidence, Severity

_NAMED = 3


def load_found(start: Path, overrides: Iterable[str], flags: Mapping[str, Any]) -> Configuration:
    """Settings from the nearest configuration file, as far as one that nobody named applies.

    Under the profile `safety` nothing of it does, but that it selects the profile.

    Raises:
        UsageError: the file cannot be read, or a setting is wrong.
    """
    overrides = tuple(overrides)
    without = load_config(None, overrides, flags)
    if is_safety(without.settings):
        return msgspec.structs.replace(without, unapplied=_find_any(start))
    file = find_config(start)
    if file is None:
        return without
    found = load_config(file, overrides, flags)
    settings = found.settings
    if not is_safety(settings):
        return msgspec.structs.replace(found, unsteered=without.settings)
    kept = {"select": settings.select, "extend_select": settings.extend_select}
    selecting = msgspec.structs.replace(without.settings, **kept)
    return msgspec.structs.replace(without, settings=selecting, unapplied=file)


def _find_any(start: Path) -> Path | None:
    try:
        return find_config(start)
    except UsageError:  # what does not apply may be damaged
        return None


def excluder(configuration: Configuration) -> str:
    """What holds the setting `exclude`."""
    file, without = configuration.file, configuration.unsteered
    by_file = without is None or without.exclude != configuration.settings.exclude
    return _shown(file) if file is not None and by_file else "`exclude`"


def steering_note(
    configuration: Configuration,
    rules: Mapping[str, RuleReference],
    paths: Iterable[Path],
    files: Sequence[Path],
) -> str | None:
    """One line on what a configuration file that nobody named switches off; None for nothing.

    Of a file that lies above everything that is checked, only what concerns safety is said: it is
    the user's own.

    Args:
        configuration: the settings of the run.
        rules: every rule, by code.
        paths: what the user asked to check.
        files: what was checked.
    """
    if configuration.unapplied is not None:
        file = _shown(configuration.unapplied)
        return f"{file}: not applied under the profile `safety`; `--config {file}` applies it"
    if configuration.unsteered is None or configuration.file is None:
        return None
    inside = any(_holds(path, configuration.file) for path in paths)
    steering = _Steering(configuration, configuration.unsteered, rules, everything=inside)
    parts = list(steering.parts(files))
    if not parts:
        return None
    return f"{_shown(configuration.file)}: {'; '.join(parts)} (`--isolated` checks without it)"


class _Steering(Struct, frozen=True):
    """What a file changes.

    Attributes:
        configuration: the settings with it.
        without: the settings without it.
        rules: every rule, by code.
        everything: whether rules count that are not about safety.
    """

    configuration: Configuration
    without: Settings
    rules: Mapping[str, RuleReference]
    everything: bool

    def parts(self, files: Sequence[Path]) -> Iterator[str]:
        """What it switches off, in words."""
        settings = self.configuration.settings
        yield from self._not_run(files)
        yield from self._softened()
        if settings.fail_on == "never" != self.without.fail_on:
            yield "no finding fails the run"
        if settings.baseline != self.without.baseline:
            yield f"findings in {settings.baseline} are accepted"
        if settings.exit_zero and not self.without.exit_zero:
            yield "findings give exit code 0"
        least = settings.min_severity
        if least is not self.without.min_severity and least is Severity.ERROR:
            yield f"findings below {least} are not shown"
        confidence = settings.min_confidence
        if confidence is not self.without.min_confidence and confidence is not Confidence.LOW:
            yield f"findings of less than {confidence} confidence are not shown"

    def _not_run(self, files: Sequence[Path]) -> Iterator[str]:
        plain = msgspec.structs.replace(self.configuration, settings=self.without)
        off: Counter[str] = Counter()
        for file in files:
            off.update(self._selected(plain, file) - self._selected(self.configuration, file))
        everywhere = sorted(code for code, number in off.items() if number == len(files))
        somewhere = sorted(off.keys() - set(everywhere))
        if everywhere:
            yield f"{_listed(everywhere)} not run"
        if somewhere:
            most = count(max(off[code] for code in somewhere), "file")
            yield f"{_listed(somewhere)} not run on {most}"

    def _selected(self, configuration: Configuration, file: Path) -> set[str]:
        selected = select_rules(configuration, self.rules.values(), file)
        return {rule.code for rule in selected if self._counts(rule.code)}

    def _softened(self) -> Iterator[str]:
        """Findings that weigh less, and options of the rules on safety."""
        codes = {rule.name: code for code, rule in self.rules.items()}
        for name, table in self.configuration.settings.rules.items():
            code = codes.get(name, name)
            changed = {k: v for k, v in table.items() if self._table(name).get(k) != v}
            severity = changed.pop("severity", None)
            if severity not in (None, Severity.ERROR) and self._counts(code):
                yield f"{code} counts as {printable(str(severity), 20)}"
            if changed and is_about_safety(code):
                yield f"{', '.join(f'`{printable(key, 40)}`' for key in changed)} of {code} set"

    def _table(self, name: str) -> Mapping[str, Any]:
        return self.without.rules.get(name, {})

    def _counts(self, code: str) -> bool:
        return self.everything or is_about_safety(code)


def _holds(path: Path, file: Path) -> bool:
    """Whether a path that is checked is a folder that holds the file."""
    return path.is_dir() and file.resolve().is_relative_to(path.resolve())


def _shown(file: Path) -> str:
    relative = os.path.relpath(file)
    return str(file) if relative.startswith(os.path.join("..", "..", "..")) else relative  # noqa: PTH118


def _listed(codes: Sequence[str]) -> str:
    more = len(codes) - _NAMED
    if more <= 0:
        return f"{', '.join(codes)} {'is' if len(codes) == 1 else 'are'}"
    rules = f"{count(more, 'more rule')}"
    return f"{', '.join(codes[:_NAMED])} and {rules} are"
