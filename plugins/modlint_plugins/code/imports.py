"""Names that a configuration gives and a loader imports: by the table of keys, and by themselves.

What a table's row does not know is still told where a value is wholly the name of a function of
the standard library that runs code or programs: no configuration holds one by chance.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import DOTTED, acts, as_path, standard
from modlint_plugins.code.documents import Table
from modlint_plugins.code.importing_keys import (
    ALLENNLP,
    ALLENNLP_KEYS,
    ANY,
    BY_KEY,
    ImportingKey,
)
from modlint_plugins.code.targets import (
    ACTING_CALLABLE,
    COMPUTED,
    FOREIGN_CALLABLE,
    STANDARD,
    TARGET,
    TARGET_KEYS,
)
from modlint_plugins.code.words import words

_NATIVE = re.compile(
    r"(?!(?:lib)?Qnn\w+\.)(?:\S{1,400}|(?:[./~$]|[A-Za-z]:)[^\n]{1,400})\.(?:so(?:\.\d+)*|dll|dylib|pyd)"
)
"""A library's file, a path where it holds blanks; but for Qualcomm's own, which the
configurations of ONNX Runtime name."""
_CALLABLES = words(
    "system popen Popen run call check_call check_output getoutput getstatusoutput spawn execv"
    " execl execve execvp execlp spawnv spawnl spawnvp posix_spawn startfile fork_exec eval exec"
    " compile __import__ import_module run_path run_module rmtree loads load CDLL LoadLibrary"
    " runcode runsource runeval runctx main resolve_name create_subprocess_shell attrgetter"
    " methodcaller"
)
_INNER = words("os posix subprocess builtins importlib pty ctypes runpy")
_LAST = re.compile(r"[.:]")
_OF_ANY = {within: [row] for row in BY_KEY[ANY] for within in words(row.within)}
_SHOWN = 80
_LONGEST = 200
_MAX_REPEATS = 100
_HELP = "read that code before anything loads this folder"


def examine_imports(table: Table, within: str) -> Iterator[Remark]:
    """Remarks on the names in a table that a loader imports.

    Args:
        table: the table.
        within: the key that leads to it.
    """
    keys = dict.fromkeys(key for key, _ in table.pairs)
    told = set()
    for key in keys:
        for row in (*BY_KEY.get(key, ()), *_OF_ANY.get(within, ())):
            if _applies(row, table, within, keys):
                for name in _names(table, key, row):
                    for remark in _judged(row, key, name):
                        told.add(key)
                        yield remark
    for key, value in table.pairs:
        if key not in told and isinstance(value, str) and _NATIVE.fullmatch(value):
            message = f"{key[:_SHOWN]} names a library of native code: {value[:_SHOWN]}"
            yield Remark(FOREIGN_CALLABLE, message, help=_HELP)


def is_of_allennlp(documents: list[object]) -> bool:
    """Whether one of some documents is a configuration of AllenNLP's."""
    return any(isinstance(held, Table) and held.holds(*ALLENNLP_KEYS) for held in documents)


def examine_types(table: Table) -> Iterator[Remark]:
    """Remarks on the classes that a table of such a configuration names."""
    for name in _names(table, ALLENNLP.keys, ALLENNLP):
        yield from _judged(ALLENNLP, ALLENNLP.keys, name)


def examine_key(key: str, text: str, within: str) -> Iterator[Remark]:
    """Remarks on a text of a pickle by its key, and by the key of what holds it."""
    if key in BY_KEY or within in _OF_ANY:
        yield from examine_imports(Table(((key, text),)), within)


def examine_names(table: Table, told: Collection[str]) -> Iterator[Remark]:
    """Remarks on values that are functions of the standard library which run code or programs.

    Args:
        table: the table.
        told: what was said of it; of a name within nothing more is.
    """
    for key, value in table.pairs:
        if key in TARGET_KEYS or key.isdigit() or not isinstance(value, str):
            continue
        if len(value) > _LONGEST or _LAST.split(value.strip())[-1] not in _CALLABLES:
            continue
        name = as_path(value)
        deed = acts(name) if DOTTED.fullmatch(name) and _LAST.search(value) else None
        known = standard(name) or not _INNER.isdisjoint(name.split("."))
        if deed is not None and known and not any(value in message for message in told):
            message = f"{key[:_SHOWN]} names {value!r}, which {deed}"
            yield Remark(STANDARD, message, help=_HELP)


def _applies(row: ImportingKey, table: Table, within: str, keys: Collection[str]) -> bool:
    if row.within and within not in words(row.within):
        return False
    if row.where and row.where not in table.texts("type"):
        return False
    return not row.beside or not words(row.beside).isdisjoint(keys)


def _names(table: Table, key: str, row: ImportingKey) -> Iterator[str]:
    """The names that a key gives: its texts, and those in its lists; of many joined the last."""
    texts: list[str] = []
    for value in table.values(key):
        held = value if isinstance(value, list) else [value]
        texts += (text for text in held if isinstance(text, str))
    if not row.joined:
        yield from texts
        return
    others = list(table.texts(row.joined))[-_MAX_REPEATS:]
    for text in texts[-_MAX_REPEATS:]:
        yield from (f"{text}.{other}" for other in others)


def _judged(row: ImportingKey, key: str, name: str) -> Iterator[Remark]:
    """A remark on a name; none where it is empty, or the library's own."""
    if not name.strip() or (row.dotted and not {".", "$", ":"}.intersection(name)):
        return
    path = as_path(name)
    deed = acts(path) if DOTTED.fullmatch(path) else None
    message = f"{key[:_SHOWN]} names {name[:_SHOWN]!r}, which {row.does}"
    if deed is not None and key in TARGET_KEYS:
        return  # said of the text itself, wherever it stands
    if "${" in name:
        yield Remark(COMPUTED, f"{message}, and which is computed", help=_HELP)
    elif deed is not None or standard(path):
        sure = row.called and (deed is not None or row.foreign != TARGET)
        kind = ACTING_CALLABLE if sure else STANDARD
        yield Remark(kind, message + (f"; it {deed}" if deed else ""), help=_HELP)
    elif not row.is_own(name.strip()):
        yield Remark(row.foreign, message, help=_HELP)
