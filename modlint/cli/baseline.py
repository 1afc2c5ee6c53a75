"""`modlint baseline`."""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from modlint.cli.messages import say, show
from modlint.cli.paths import named
from modlint.cli.progress import progress_on_stderr
from modlint.cli.settings import at_work, configuration
from modlint.engine.findings_baseline import (
    DEFAULT,
    Baseline,
    Entry,
    accepted,
    load_baseline,
    path_from,
    renamed,
    save_baseline,
    updated,
)
from modlint.engine.registry import load_registry
from modlint.engine.run import check
from modlint.text import count
from modlint.verdict import Severity


def run(arguments: argparse.Namespace) -> int:
    """Check the paths, and have the baseline accept what is found."""
    config = at_work(configuration(arguments), arguments)
    named_by_settings = config.settings.baseline
    path = Path(named_by_settings or config.root / DEFAULT)
    known = load_baseline(path) if path.exists() else Baseline()
    folder = path.parent
    names = {path_from(folder, old): path_from(folder, new) for old, new in arguments.map}
    known = renamed(known, names)
    plain = msgspec.structs.replace(config.settings, baseline=None)
    config = msgspec.structs.replace(config, settings=plain)
    with progress_on_stderr(enabled=not arguments.no_progress) as progress:
        report = check(list(named(arguments.paths)), config, load_registry(), progress)
    say(report.run.problems)
    if report.run.exit_code == 2:
        return 2
    found = accepted(report.files, known, folder, datetime.now(UTC).date())
    least = (config.settings.min_severity or Severity.WARNING).rank
    new = Entry("", "", reason=arguments.reason, expires=arguments.expires)
    after = updated(known, found, folder, least, new, prune=arguments.prune)
    save_baseline(after, path)
    show(_summary(path, known, after, len(found.stale)))
    if named_by_settings is None:
        setting = f'`baseline = "{path.name}"` in modlint.toml'
        show(f"have it apply: --baseline {path.name}, or {setting}\n")
    return 0


def _summary(path: Path, known: Baseline, after: Baseline, stale: int) -> str:
    added = len(set(after.findings) - set(known.findings))
    dropped = len(set(known.findings) - set(after.findings))
    parts = [f"{count(len(after.findings), 'finding')} accepted", f"{added:,} of them new"]
    parts += [f"{dropped:,} dropped"] if dropped else []
    parts += [f"{stale:,} match nothing: --prune drops them"] if stale and not dropped else []
    shown = path.name if path.parent == Path.cwd() else path
    return f"{shown}: {', '.join(parts)}\n"
