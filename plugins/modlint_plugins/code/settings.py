"""Settings that are neither JSON nor YAML, as tables: spaCy's, Triton's, files of one name.

spaCy's `config.cfg` is sections of keys whose values are JSON (confection); Triton's
`config.pbtxt` is a message of protobuf as text; some files of MLflow and GluonTS are one name.
"""

from __future__ import annotations

import ast
import json
import re
from pathlib import PurePosixPath

from modlint_plugins.code.documents import Table
from modlint_plugins.code.importing_keys import TRITON

_NAMES = ("pickle_module_info.txt", "keras_module.txt", "type.txt")
_SECTION = re.compile(r"\s*\[([^\]\n]{1,200})\]\s*")
_SETTING = re.compile(r"\s*([^\s=:#;\[][^=:\n]{0,200}?)\s*[=:]\s*(.*)")
_FIELD = re.compile(
    r"""\#[^\n]*|(?P<name>[A-Za-z_]\w{0,99})\s*:?
    |(?P<text>"(?:[^"\\\n]|\\.)*+(?:"|$|(?=\n))|'(?:[^'\\\n]|\\.)*+(?:'|$|(?=\n)))
    |(?P<other>[\[\]{}<>,;:]|[^\s\w"']+|[\w.+-]+)""",
    re.VERBOSE,
)
"""A comment, a field, a text, and what else there is; a text without its end goes to the line's."""
MAX_SETTINGS = 1 << 20
"""Characters of such a file that are read."""


def settings_of(text: str, name: str) -> Table | None:
    """The settings of a file that is named as one of these; None for any other."""
    text = text[:MAX_SETTINGS]
    base = PurePosixPath(name.replace("\\", "/").lower()).name
    if base in _NAMES:
        return Table(((base, text.strip().partition("\n")[0].strip()),))
    if base.endswith(".cfg"):
        return _cfg(text)
    if base.endswith(".pbtxt"):
        return Table(((TRITON, Table(tuple(_fields(text)))),))
    return None


def _cfg(text: str) -> Table:
    """Sections by name, each a table; a value that is JSON is that value."""
    sections: dict[str, list[tuple[str, object]]] = {}
    held = sections.setdefault("", [])
    for line in text.splitlines():
        if (section := _SECTION.fullmatch(line)) is not None:
            held = sections.setdefault(section[1], [])
        elif (setting := _SETTING.fullmatch(line)) is not None:
            held.append((setting[1].strip().strip("\"'"), _value(setting[2].strip())))
    return Table(tuple((name, Table(tuple(pairs))) for name, pairs in sections.items()))


def _value(text: str) -> object:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, (str, list)) else text


def _fields(text: str) -> list[tuple[str, object]]:
    """Texts of a message and the field before each; texts side by side are one.

    A parameter's text stands under the parameter's own name.
    """
    held: list[tuple[str, list[str]]] = []
    field, begun = "", False
    for match in _FIELD.finditer(text):
        if match["name"] is not None:
            field, begun = match["name"], False
        elif match["text"] is not None:
            if not begun:
                held.append((field, []))
            held[-1][1].append(_literal(match["text"]))
            begun = True
        elif match["other"] is not None:
            begun = False
    pairs: list[tuple[str, object]] = []
    parameter = ""
    for name, pieces in held:
        joined = "".join(pieces)
        parameter = joined if name == "key" else parameter
        pairs.append((parameter if name == "string_value" else name, joined))
    return pairs


def _literal(text: str) -> str:
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text[1:-1]
    return value if isinstance(value, str) else text[1:-1]
