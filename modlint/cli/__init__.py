"""The command line: one module per command, each imported only when its command runs."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Sequence

INTERRUPTED = 130
WRONG_USAGE = 2

_GARBAGE = 50_000
"""New objects after which cyclic garbage is looked for: imports make many, and none is garbage."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run modlint; the exit code is 0, 1 for findings, 2 for wrong usage, 130 if interrupted."""
    gc.set_threshold(_GARBAGE)
    from modlint.cli.messages import say
    from modlint.cli.parser import build_parser
    from modlint.errors import UsageError

    arguments = build_parser().parse_args(argv)
    try:
        command = importlib.import_module(f"modlint.cli.{arguments.module}")
        code: int = command.run(arguments)
        sys.stdout.flush()
    except UsageError as error:
        say([f"error: {error}"])
        return WRONG_USAGE
    except KeyboardInterrupt:
        say(["interrupted"])
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the report has gone; keep the interpreter's last flush from failing too.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return WRONG_USAGE
    except OSError as error:
        say([f"error: {error.filename or 'the output'}: {error.strerror or error}"])
        return WRONG_USAGE
    return code
