"""Lines of styled text at a given width, written to a stream as it can take them."""

from __future__ import annotations

from io import StringIO
from typing import TextIO

from rich.cells import cell_len
from rich.console import Console, detect_legacy_windows
from rich.text import Text

from modlint.text import encodable, wants_colour, width
from modlint.verdict import Outcome, Severity

SEVERITY_STYLES = {
    Severity.ERROR: "bold red",
    Severity.WARNING: "bold magenta",  # yellow cannot be read on white; as GCC and Clang do
    Severity.NOTE: "bold cyan",
    Severity.INFORMATION: "cyan",
}
SEVERITY_SYMBOLS = {
    Severity.ERROR: "✖",
    Severity.WARNING: "✖",
    Severity.NOTE: "•",
    Severity.INFORMATION: "·",
}
OUTCOME_SYMBOLS = {Outcome.PASS: "✔", Outcome.INCONCLUSIVE: "?", Outcome.NOT_APPLICABLE: "-"}
OUTCOME_STYLES = {
    Outcome.PASS: "green",
    Outcome.INCONCLUSIVE: "bold",
    Outcome.NOT_APPLICABLE: "dim",
}
BASELINED_SYMBOL = "–"


class Canvas:
    """Collects lines; `write_to` writes them all.

    Attributes:
        width: cells in a line.
    """

    def __init__(self, output: TextIO) -> None:
        colour = wants_colour(output) and not detect_legacy_windows()
        self.width = width(output)
        cell_len("重")  # rich imports its table of widths now, and nothing while it draws names
        self._output = output
        self._buffer = StringIO()
        self._console = Console(
            file=self._buffer,
            width=self.width,
            force_terminal=colour,
            color_system="standard" if colour else None,
            no_color=not colour,
            legacy_windows=False,
            markup=False,
            highlight=False,
            emoji=False,
        )

    def line(self, text: Text | str = "") -> None:
        """Add a line, broken between words only where it is longer than the width."""
        line = text.copy() if isinstance(text, Text) else Text(text)
        line.rstrip()
        fits = line.cell_len <= self.width
        for row in (line,) if fits else line.wrap(self._console, self.width):
            row.rstrip()
            self._console.print(row, soft_wrap=True)

    def hanging(self, lead: Text, body: Text) -> None:
        """Add `lead` and, beside it, `body` in as many lines as it needs."""
        room = max(self.width - lead.cell_len, 20)
        indent = Text(" " * lead.cell_len)
        for number, row in enumerate(body.wrap(self._console, room) or (Text(),)):
            self.line(Text.assemble(indent if number else lead, row))

    def field(self, name: str, body: Text) -> None:
        """Add a named line of a finding."""
        self.hanging(Text(f"    {name:<5}  ", "dim"), body)

    def rule(self, title: Text | None = None) -> None:
        """Add a horizontal rule, led by `title`."""
        lead = Text.assemble(title, " ") if title else Text()
        if lead.cell_len > self.width:
            self.hanging(Text(), lead)
        else:
            self.line(Text.assemble(lead, ("─" * (self.width - lead.cell_len), "dim")))

    def flush(self) -> None:
        """Write all lines to the stream."""
        self._output.write(encodable(self._buffer.getvalue(), self._output.encoding))
