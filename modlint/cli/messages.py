"""What commands say on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from modlint.text import encodable, printable


def say(messages: Iterable[str]) -> None:
    """Print messages on stderr, a line each, safe to show whatever a file's name holds."""
    for message in messages:
        sys.stderr.write(encodable(f"modlint: {printable(message)}\n", sys.stderr.encoding))
