"""What fails a run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from modlint.checkpoint import Status
from modlint.engine.run_record import RunRecord
from modlint.report import FileReport
from modlint.settings.config import Settings
from modlint.verdict import Outcome, Severity, Verdict

INTERRUPTED = 130


def exit_code(files: Sequence[FileReport], settings: Settings, record: RunRecord) -> int:
    """0 clean, 1 findings at or above `fail-on`, 2 wrong usage or an internal error, 130 stopped.

    Information fails nothing, nor does what is for another persona, nor what does not apply.
    """
    if record.interrupted:
        return INTERRUPTED
    if record.errors:
        return 2
    return int(not settings.exit_zero and _fails(files, settings, record))


def _fails(files: Sequence[FileReport], settings: Settings, record: RunRecord) -> bool:
    counting = list(_counting(files, settings))
    if settings.strict:
        undecided = any(verdict.outcome is Outcome.INCONCLUSIVE for verdict in counting)
        unread = any(file.status is Status.NOT_A_CHECKPOINT for file in files)
        if undecided or unread or record.skipped:
            return True
    if settings.fail_on == "never":
        return False
    least = Severity(settings.fail_on).rank
    return any(v.outcome is Outcome.FAIL and v.severity.rank >= least for v in counting)


def _counting(files: Iterable[FileReport], settings: Settings) -> Iterator[Verdict]:
    for file in files:
        for verdict in file.verdicts:
            told = verdict.persona.rank <= settings.persona.rank and not verdict.baselined
            if told and verdict.severity is not Severity.INFORMATION:
                yield verdict
