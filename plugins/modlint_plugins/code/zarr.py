"""Codecs of arrays that rebuild objects: of zarr, by numcodecs' names.

`numcodecs.Pickle` has the identifier `pickle` in `.zarray`, and the name `numcodecs.pickle` in
`zarr.json`; reading a chunk unpickles it. `json2`, `msgpack2` and `vlen-…` build plain values.
"""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import Table
from modlint_plugins.code.targets import FOREIGN_CALLABLE
from modlint_plugins.code.words import words

_KEYS = ("id", "name", "codec")
_PLACES = words("filters compressor codecs index_codecs object_codec serializer serializers")
_PICKLERS = words("pickle dill cloudpickle joblib")
_HELP = "read this array with nothing that unpickles; ask for numbers or texts in its place"


def examine_codecs(table: Table, within: str) -> Iterator[Remark]:
    """A remark on a codec that unpickles what it decodes."""
    named = [(name, within) for key in _KEYS for name in table.texts(key)]
    for key in _PLACES:
        for value in table.values(key):
            held = value if isinstance(value, list) else [value]
            named += ((name, key) for name in held if isinstance(name, str))
    for name, place in named:
        library, _, codec = name.strip().lower().replace("/", ".").rpartition(".")
        if codec in _PICKLERS and (place in _PLACES or library.endswith("numcodecs")):
            message = f"names {name[:40]!r} as the codec of an array (zarr)"
            more = "reading the array unpickles its chunks"
            yield Remark(FOREIGN_CALLABLE, f"{message}: {more}", help=_HELP)
