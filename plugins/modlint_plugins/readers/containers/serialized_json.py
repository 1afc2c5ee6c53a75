"""Pickles in JSON: Stable-Baselines3 keeps what JSON cannot hold as base64 of a cloudpickle.

Source: stable_baselines3 2.x, `common/save_util.py`, `data_to_json` and `json_to_data`.
"""

from __future__ import annotations

import binascii
import json
from collections.abc import Iterator
from typing import Any

from modlint_plugins.readers.contained import Contents, bare
from modlint_plugins.readers.json_keys import MAX_JSON, is_object, may_hold_key
from modlint_plugins.readers.torch.nested import open_nested
from modlint_plugins.readers.torch.reading import Reading, Segment

_KEY = ":serialized:"
_MAX_FOUND = 10_000


def scan_serialized(contents: Contents, view: memoryview, member: str) -> bool:
    """Interpret the pickles in a member that is JSON; whether there are any."""
    if not is_object(view) or not may_hold_key(view, _KEY):
        return False
    if len(view) > MAX_JSON:
        message = f"{member}: holds pickles in more than {MAX_JSON:,} bytes of JSON"
        contents.fault("limit", message, member)
        return True
    try:
        document = json.loads(bytes(view))
    except (ValueError, RecursionError):
        contents.fault("damaged-member", f"{member}: holds pickles in damaged JSON", member)
        return True
    reading = Reading(open_nested, contents.allowance.budget)
    for count, (path, encoded) in enumerate(_entries(document)):
        if count >= _MAX_FOUND:
            reading.fault("limit", f"holds more than {_MAX_FOUND:,} pickles")
            break
        _scan(reading, path, encoded)
    contents.merge(reading.checkpoint(contents.source, "json", {}), bare(member), None)
    return True


def _scan(reading: Reading, path: str, encoded: Any) -> None:
    try:
        data = binascii.a2b_base64(encoded)
    except (ValueError, TypeError):
        reading.fault("bad-pickle", f"{path}: is no base64 of a pickle", path)
        return
    segment = Segment(memoryview(data), path, None)
    found = reading.interpret(segment)
    if found.trace.incomplete is None:
        reading.scan_further(segment, found.end)


def _entries(document: Any) -> Iterator[tuple[str, Any]]:
    """The path to each serialized value, and its base64; walked without recursion."""
    pending = [("", document)]
    while pending:
        path, value = pending.pop()
        if isinstance(value, dict):
            if _KEY in value:
                yield path or _KEY, value[_KEY]
            pending += ((f"{path}.{key}" if path else str(key), v) for key, v in value.items())
        elif isinstance(value, list):
            pending += ((f"{path}.{index}", v) for index, v in enumerate(value))
