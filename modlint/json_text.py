"""What commands write as JSON."""

from __future__ import annotations

from typing import Any

import msgspec

from modlint.text import json_safe


def json_text(document: msgspec.Struct) -> str:
    """A struct as indented JSON; what JSON cannot hold is shown as Python spells it.

    Numbers that are not finite are null.
    """
    plain = well_formed(msgspec.to_builtins(document, enc_hook=str))
    return json_safe(msgspec.json.format(msgspec.json.encode(plain)).decode()) + "\n"


def well_formed(value: Any) -> Any:
    """The same value with characters that UTF-8 lacks (lone surrogates) escaped."""
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {well_formed(str(key)): well_formed(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [well_formed(item) for item in value]
    return value
