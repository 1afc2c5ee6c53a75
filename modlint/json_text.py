"""What commands write as JSON, and the same for Python code."""

from __future__ import annotations

from typing import Any

import msgspec

from modlint.text import json_safe


def json_text(document: msgspec.Struct) -> str:
    """A struct as indented JSON; what JSON cannot hold is shown as Python spells it.

    Numbers that are not finite are null.
    """
    return json_safe(msgspec.json.format(_encoded(document)).decode()) + "\n"


def plain(document: msgspec.Struct) -> dict[str, Any]:
    """A struct as reading its JSON gives it: dictionaries, lists, strings, numbers and None."""
    decoded: dict[str, Any] = msgspec.json.decode(_encoded(document))
    return decoded


def _encoded(document: msgspec.Struct) -> bytes:
    return msgspec.json.encode(well_formed(msgspec.to_builtins(document, enc_hook=str)))


def well_formed(value: Any) -> Any:
    """The same value with characters that UTF-8 lacks (lone surrogates) escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {well_formed(str(key)): well_formed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [well_formed(item) for item in value]
    return value
