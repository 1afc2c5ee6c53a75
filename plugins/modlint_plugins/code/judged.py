"""Parsed documents, judged: each table and text by every kind of code that it may hold."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.compilers import examine_compiler
from modlint_plugins.code.dictionaries import examine_dictionaries
from modlint_plugins.code.documents import Place, Table, walk
from modlint_plugins.code.evaluated import (
    MAX_EVALUATED,
    examine_download,
    examine_evaluated,
    examine_rows,
    is_evaluated,
)
from modlint_plugins.code.expansions import MAX_TEXTS, examine_interpolations
from modlint_plugins.code.exported import examine_exported
from modlint_plugins.code.expressions import KEY as EXPRESSION
from modlint_plugins.code.expressions import examine_expression
from modlint_plugins.code.folders import examine_folder
from modlint_plugins.code.guards import examine_guards
from modlint_plugins.code.hub import examine_hub
from modlint_plugins.code.imports import (
    examine_imports,
    examine_names,
    examine_types,
    is_of_allennlp,
)
from modlint_plugins.code.keras import examine_keras
from modlint_plugins.code.requirements import examine_packages
from modlint_plugins.code.sizes import examine_sizes
from modlint_plugins.code.skops import examine_skops
from modlint_plugins.code.targets import (
    TARGET_KEYS,
    examine_resolver,
    examine_target,
    examine_targets,
)
from modlint_plugins.code.templates import examine_template, looks_like_template
from modlint_plugins.code.tokenizer_json import examine_tokenizer
from modlint_plugins.code.zarr import examine_codecs

_SHOWN = 80
_UNEXAMINED = "unexamined-code"


def examine_documents(documents: list[object], where: str = "") -> Iterator[Remark]:
    """Remarks on the code in documents.

    Args:
        documents: as `parse_json` gives them.
        where: what holds them, to begin a message, "" where the place in the report says it.
    """
    evaluated = 0
    referring: dict[str, list[str]] = {}
    typed = is_of_allennlp(documents)
    for place in walk(documents):
        if isinstance(place.value, Table):
            yield from examine_types(place.value) if typed else ()
            yield from _of_table(place.value, place.key)
            continue
        yield from _of_text(place, place.value, where)
        if "${" in place.value and len(referring) < MAX_TEXTS:
            referring.setdefault(place.key, []).append(place.value)
        if is_evaluated(place.value):
            evaluated += 1
            if evaluated <= MAX_EVALUATED:
                yield from examine_evaluated(place.value)
    yield from examine_interpolations(referring)
    if evaluated > MAX_EVALUATED:
        more = f"holds more than {MAX_EVALUATED:,} expressions that may be evaluated"
        yield Remark(_UNEXAMINED, f"{more}; the rest was not examined")


def _of_table(table: Table, key: str) -> Iterator[Remark]:
    remarks = [
        *examine_keras(table),
        *examine_skops(table),
        *examine_hub(table, key),
        *examine_folder(table),
        *examine_packages(table),
        *examine_sizes(table, key),
        *examine_compiler(table),
        *examine_targets(table),
        *examine_exported(table, key),
        *examine_guards(table),
        *examine_imports(table, key),
        *examine_codecs(table, key),
        *examine_rows(table),
        *examine_download(table),
        *examine_tokenizer(table),
        *examine_dictionaries(table),
    ]
    yield from remarks
    yield from examine_names(table, [remark.message for remark in remarks])


def _of_text(place: Place, text: str, where: str) -> Iterator[Remark]:
    at = f"{where}{place.path[:_SHOWN]}"
    if place.key == EXPRESSION:
        yield from examine_expression(text)
    elif place.key in TARGET_KEYS:
        yield from examine_target(place.key, text, f"{where}" and f"{at} ")
    yield from examine_resolver(text)
    if looks_like_template(text):
        yield from examine_template(text, at or "the text")
