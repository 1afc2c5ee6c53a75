"""The errors that modlint's parts raise for one another."""

from __future__ import annotations

from collections.abc import Callable

listeners: list[Callable[[Exception], object]] = []
"""Called with each exception that is caught though nobody should have raised it."""


class ModlintError(Exception):
    """Base of all errors raised on purpose; its text is fit for a user."""


class UsageError(ModlintError):
    """Wrong usage or configuration: the run ends with exit code 2."""


class UnreadableError(ModlintError):
    """A file, or a part of it, cannot be read as what it claims to be.

    Args:
        message: what is wrong, in one sentence.
        help: what the user can do about it.
        member: the archive member it concerns, if any.
        offset: byte offset of the fault, in the member where one is given, else in the file.
    """

    def __init__(
        self,
        message: str,
        *,
        help: str | None = None,
        member: str | None = None,
        offset: int | None = None,
    ) -> None:
        super().__init__(message)
        self.help = help
        self.member = member
        self.offset = offset


class MissingPathError(ModlintError, FileNotFoundError, ValueError):
    """A path that Python code gives does not exist."""


class Unavailable(ModlintError):
    """An analysis has no answer for its subject; rules that need it become inconclusive."""


class UndeclaredNeed(Exception):
    """A rule or an analysis asks for one that its `needs` do not name: a bug in it."""


def explained(error: Exception) -> str:
    """What a plugin raised that it should not have: its kind, and what it says.

    Whoever listens is given the exception: `--debug` shows its traceback.
    """
    for listener in listeners:
        listener(error)
    return f"{type(error).__name__}: {error}"
