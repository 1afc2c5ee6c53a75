"""The bounds within which a pickle is interpreted, and the account kept of them."""

from __future__ import annotations

import time

from msgspec import Struct, field


class Interruption(Exception):
    """Interpretation cannot go on; the text says why."""


class Malformed(Interruption):
    """The stream breaks the pickle format: an unpickler would stop here as well."""


class LimitReached(Interruption):
    """The stream is well formed as far as it was read, but asks for too much."""


class Limits(Struct, frozen=True):
    """What interpreting one file may cost; stack and memo are bounded by `opcodes`.

    With these defaults the records built take less than 1 GiB at the very worst.

    Attributes:
        opcodes: number of opcodes over all streams.
        seconds: CPU time spent on interpreting.
        copied_bytes: text and numbers copied out of the file; bytes literals stay mapped.
        integer_bytes: size of one integer.
        name_length: characters of a global's module or name.
        globals: number of opcodes that name a global.
        calls: uses noted of one global for each way of using it.
        marks: depth of open MARKs.
        streams: number of pickles.
        nested: number of pickles within literals.
        unfolded: number of values once sharing is undone.
    """

    opcodes: int = 5_000_000
    seconds: float = 30.0
    copied_bytes: int = 128 << 20
    integer_bytes: int = 4096
    name_length: int = 1000
    globals: int = 100_000
    calls: int = 8
    marks: int = 10_000
    streams: int = 100_000
    nested: int = 10_000
    unfolded: int = 100_000_000


class Budget(Struct):
    """What is left of the limits; one budget is shared by all pickles of a file."""

    limits: Limits = field(default_factory=Limits)
    opcodes: int = 0
    copied_bytes: int = 0
    globals: int = 0
    streams: int = 0
    seconds: float = 0.0
    since: float = field(default_factory=time.thread_time)

    def begin(self) -> None:
        """Account for a pickle, and let the clock run."""
        self.since = time.thread_time()
        self.streams += 1
        if self.streams > self.limits.streams:
            raise LimitReached(f"more than {self.limits.streams:,} pickles")

    def spend_opcodes(self, count: int) -> None:
        """Account for opcodes, and for the time they took."""
        now = time.thread_time()
        self.seconds += now - self.since
        self.since = now
        self.opcodes += count
        if self.opcodes >= self.limits.opcodes:
            raise LimitReached(f"more than {self.limits.opcodes:,} opcodes")
        if self.seconds > self.limits.seconds:
            raise LimitReached(f"more than {self.limits.seconds:g} seconds")

    def spend_copy(self, nbytes: int) -> None:
        """Account for bytes about to be copied out of the file."""
        self.copied_bytes += nbytes
        if self.copied_bytes > self.limits.copied_bytes:
            raise LimitReached(f"more than {self.limits.copied_bytes:,} bytes of text and numbers")

    def spend_global(self, module: str, name: str) -> None:
        """Account for a global."""
        self.globals += 1
        if self.globals > self.limits.globals:
            raise LimitReached(f"more than {self.limits.globals:,} globals")
        if max(len(module), len(name)) > self.limits.name_length:
            raise LimitReached(f"a global's name of over {self.limits.name_length:,} characters")
