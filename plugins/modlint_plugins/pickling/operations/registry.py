"""Where the opcodes' operations register themselves by the opcodes' names."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from modlint_plugins.pickling.interpreter import Interpreter

Operation = Callable[["Interpreter", Any], None]
"""What an opcode does to the machine, given its argument."""

OPERATIONS: dict[str, Operation] = {}


def operation(*names: str) -> Callable[[Operation], Operation]:
    """Register a function as what the opcodes of these names do."""

    def register(function: Operation) -> Operation:
        OPERATIONS.update(dict.fromkeys(names, function))
        return function

    return register
