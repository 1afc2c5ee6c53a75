"""What the interpreter notices in a stream, beside the values that it builds."""

from __future__ import annotations

from typing import NamedTuple

from modlint.errors import UnreadableError
from modlint.pickles import GlobalUse
from modlint_plugins.code.encoded import decode, is_old_pickle
from modlint_plugins.pickling.limits import Budget, LimitReached
from modlint_plugins.pickling.opcodes.table import has_header
from modlint_plugins.pickling.render import render
from modlint_plugins.pickling.values import Blob, Global, Made, Nested

SHORTEST_TEXT = 6
"""Characters of a text that is worth searching."""
MAX_TEXT = 32 << 20
"""Characters of the texts that are kept of one pickle."""
_MAGICS = (b"PK\x03\x04", b"\x1f\x8b\x08", b"BZh", b"\xfd7zX", b"\x93NUM", b"\x7fELF", b"#!/")


class Anomaly(NamedTuple):
    """Something that no pickler writes, at the offset of its opcode."""

    offset: int
    what: str


class Hazard(NamedTuple):
    """What corrupts or exhausts memory when it is loaded, at the offset of its opcode."""

    offset: int
    kind: str
    what: str


class Notes:
    """What was noticed in one stream, within the limits of its budget.

    Attributes:
        budget: what interpretation may still cost.
        globals: every global named, in order.
        nested: checkpoints found within bytes literals.
        embedded: other bytes literals that begin as a pickle, an archive or a program does.
        anomalies: what no pickler writes.
        hazards: what corrupts or exhausts memory when loaded.
        texts: texts that are worth searching.
        characters: how many those are, kept or not.
        made: every tensor that was made, whether anything holds it or not.
    """

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.globals: list[Global] = []
        self.nested: list[Nested] = []
        self.embedded: list[Blob] = []
        self.anomalies: list[Anomaly] = []
        self.hazards: list[Hazard] = []
        self.texts: list[str] = []
        self.characters = 0
        self.made: list[Made] = []

    def note_global(self, named: Global) -> None:
        """Remember a global, within the limits on their number and length."""
        self.budget.spend_global(named.module, named.name)
        self.globals.append(named)

    def note_anomaly(self, anomaly: Anomaly) -> None:
        """Remember what no pickler writes; of many the first will do."""
        if len(self.anomalies) < self.budget.limits.calls:
            self.anomalies.append(anomaly)

    def note_hazard(self, hazard: Hazard) -> None:
        """Remember a danger to memory; of many the first will do."""
        if len(self.hazards) < self.budget.limits.calls:
            self.hazards.append(hazard)

    def note_nested(self, nested: Nested) -> None:
        """Remember a checkpoint within a literal."""
        self.nested.append(nested)

    def note_embedded(self, blob: Blob) -> None:
        """Remember bytes that may be a pickle themselves, an archive or a program."""
        telling = has_header(blob.view) or bytes(blob.view[:4]).startswith(_MAGICS)
        if telling or is_old_pickle(blob.view):
            self._embed(blob)

    def note_text(self, text: str) -> None:
        """Keep a text for those that search it, and what it decodes to."""
        if len(text) < SHORTEST_TEXT:
            return
        self.characters += len(text)
        if self.characters <= MAX_TEXT:
            self.texts.append(text)
        try:
            for data in decode(text):
                self.budget.spend_copy(len(data))
                self._embed(Blob(memoryview(data), None))
        except UnreadableError as error:
            raise LimitReached(str(error)) from error

    def _embed(self, blob: Blob) -> None:
        if len(self.embedded) >= self.budget.limits.nested:
            raise LimitReached(f"more than {self.budget.limits.nested:,} pickles within it")
        self.embedded.append(blob)

    def adopt(self, other: Notes) -> None:
        """Take over what was noticed in a stream within this one."""
        self.globals += other.globals
        self.nested += other.nested
        self.embedded += other.embedded
        self.texts += other.texts
        self.characters += other.characters
        self.anomalies += other.anomalies
        self.hazards += other.hazards
        self.made += other.made

    @property
    def uses(self) -> tuple[GlobalUse, ...]:
        """Every global that the stream names, in order, with what it does with it."""
        uses: list[GlobalUse] = []
        for named in self.globals:
            uses += named.uses or (_pushed(named),)
        return tuple(uses)


def _pushed(named: Global) -> GlobalUse:
    return GlobalUse(named.module, named.name, "pushed", named.opcode, named.offset, render(named))
