"""Types as TorchScript's pickles and bytecode write them: `Dict[str, List[int]]`.

torch parses them by recursion, and overflows the stack of the program where they are nested deeply.
Source: torch 2.13, `jit/frontend/script_type_parser.cpp`; `jit/mobile/type_parser.cpp`.
"""

from __future__ import annotations

MAX_NESTED = 100
"""Levels of brackets that no type of a model comes near."""
_OPENS, _CLOSES = "[(", "])"


def nesting(text: str) -> int:
    """How deep a text's brackets are nested."""
    depth = deepest = 0
    for character in text:
        if character in _OPENS:
            depth += 1
            deepest = max(deepest, depth)
        elif character in _CLOSES:
            depth = max(depth - 1, 0)
    return deepest
