"""Parsed documents, judged: each table and text by every kind of code that it may hold."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.classes import examine_classes
from modlint_plugins.code.compilers import examine_compiler
from modlint_plugins.code.documents import Place, Table, walk
from modlint_plugins.code.exported import examine_exported
from modlint_plugins.code.expressions import KEY as EXPRESSION
from modlint_plugins.code.expressions import examine_expression
from modlint_plugins.code.folders import examine_folder
from modlint_plugins.code.hub import examine_hub
from modlint_plugins.code.keras import examine_keras
from modlint_plugins.code.skops import examine_skops
from modlint_plugins.code.targets import (
    TARGET_KEYS,
    examine_resolver,
    examine_target,
    examine_targets,
)
from modlint_plugins.code.templates import examine_template, looks_like_template

_SHOWN = 80


def examine_documents(documents: list[object], where: str = "") -> Iterator[Remark]:
    """Remarks on the code in documents.

    Args:
        documents: as `parse_json` gives them.
        where: what holds them, to begin a message, "" where the place in the report says it.
    """
    for place in walk(documents):
        if isinstance(place.value, Table):
            yield from _of_table(place.value)
        else:
            yield from _of_text(place, place.value, where)


def _of_table(table: Table) -> Iterator[Remark]:
    yield from examine_keras(table)
    yield from examine_skops(table)
    yield from examine_hub(table)
    yield from examine_folder(table)
    yield from examine_compiler(table)
    yield from examine_targets(table)
    yield from examine_exported(table)
    yield from examine_classes(table)


def _of_text(place: Place, text: str, where: str) -> Iterator[Remark]:
    at = f"{where}{place.path[:_SHOWN]}"
    if place.key == EXPRESSION:
        yield from examine_expression(text)
    elif place.key in TARGET_KEYS:
        yield from examine_target(place.key, text, f"{where}" and f"{at} ")
    yield from examine_resolver(text)
    if looks_like_template(text):
        yield from examine_template(text, at or "the text")
