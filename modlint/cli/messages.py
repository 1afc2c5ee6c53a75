"""What commands say: on stdout what was asked for, on stderr what went wrong."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from modlint.text import encodable, printable


def show(text: str) -> None:
    """Write text on stdout, what its encoding lacks in plain letters or escaped."""
    sys.stdout.write(encodable(text, sys.stdout.encoding))


def say(messages: Iterable[str]) -> None:
    """Print messages on stderr, a line each, safe to show whatever a file's name holds."""
    for message in messages:
        sys.stderr.write(encodable(f"modlint: {printable(message)}\n", sys.stderr.encoding))
