"""Commands that loading an AOTInductor package runs, to compile the source that it holds.

`torch._inductor.aoti_load_package` of a package without a library builds one: `compiler` and the
flags of `*_compile_flags.json` and `*_linker_flags.json` become a command line
(torch/_inductor/package/package.py, `compile_so`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table

COMMAND = "compiler-command"
COMPILED = "unexamined-code"

_COMPILER = re.compile(
    r"(?:/usr/(?:local/)?bin/)?(?:[\w-]{1,40}-)?(?:g\+\+|gcc|clang|clang\+\+|c\+\+|cc|icpx|nvcc|hipcc|cl)"
    r"(?:-\d{1,3})?(?:\.exe)?"
)
_SHELL = re.compile(r"[;&|`<>\n]|\$\(|-?f?plugin|-?-?specs|-?wrapper\b|^@|\s@")
_SHOWN = 80
_HELP = "do not load this package: loading it runs that command"


def examine_compiler(table: Table) -> Iterator[Remark]:
    """A remark on the flags of a package that loading compiles."""
    if not table.holds("compiler", "cflags") and not table.holds("compiler", "compile_flags"):
        return
    for compiler in table.texts("compiler"):
        flags = [text for _, value in table.pairs if isinstance(value, list) for text in value]
        acting = [text for text in flags if isinstance(text, str) and _SHELL.search(text)]
        if not _COMPILER.fullmatch(compiler):
            message = f"names the program {compiler[:_SHOWN]!r} to compile its source with"
            yield Remark(COMMAND, message, help=_HELP)
        elif acting:
            message = f"gives the compiler {acting[0][:_SHOWN]!r}, which does more than compile"
            yield Remark(COMMAND, message, help=_HELP)
        else:
            message = "source that loading compiles and runs, which was not examined"
            yield Remark(COMPILED, message, help=_HELP)
