"""A run of bytes: which kinds of code it can hold, by its content and its name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import PurePosixPath

from modlint.checkpoint import Remark
from modlint_plugins.code.documents import (
    MAX_DOCUMENT,
    MAX_TABLES,
    MAX_VALUES,
    Table,
    is_bounded,
    is_json,
    parse_json,
)
from modlint_plugins.code.expressions import EVALUATED
from modlint_plugins.code.gguf import examine_gguf
from modlint_plugins.code.hdf5 import MAGIC as HDF5
from modlint_plugins.code.hdf5 import examine_hdf5
from modlint_plugins.code.judged import examine_documents
from modlint_plugins.code.parsing import MAX_SOURCE, is_text, readings_of, text_of
from modlint_plugins.code.python_source import examine_python, examine_text, named_python
from modlint_plugins.code.requirements import examine_requirements
from modlint_plugins.code.settings import MAX_SETTINGS, settings_of
from modlint_plugins.code.templates import examine_template, looks_like_template
from modlint_plugins.code.tokenizer_json import without_vocabulary
from modlint_plugins.code.torchscript import (
    examine_operators,
    examine_torchscript,
    in_torchscript,
    may_be_arena,
)
from modlint_plugins.code.yaml_text import examine_yaml, named_yaml
from modlint_plugins.code.yaml_unparsed import examine_tokens

_SAMPLE = 4096
_MAX_HEADER = 100_000_000
_TEMPLATES = (".jinja", ".jinja2", ".j2")
_TEMPLATE_OPENS = ("{{", "{%", "{#")
_LIBRARIES = (".so", ".pyd", ".dll", ".dylib")
_TOKENIZER = "tokenizer.json"
_UNEXAMINED = "unexamined-code"
_HELP = "read it before anything loads this file"


def examine_run(view: memoryview, name: str, siblings: Collection[str]) -> Iterator[Remark]:
    """Remarks on the code in a run, as `modlint_plugins.code.examine` gives them."""
    if named_python(name):
        yield from _python(view, name, siblings)
    elif name.lower().endswith((".pyc", ".pyo")):
        yield Remark("compiled-code", "compiled Python code, which was not examined", help=_HELP)
    elif not siblings and name.lower().endswith(_LIBRARIES):
        message = "a library of native code, which an import loads and which was not examined"
        yield Remark("compiled-code", message, help=_HELP)
    else:
        of_format = _of_format(view)
        yield from of_format or ()
        if _is_named_text(name) or (of_format is None and is_text(view)):
            yield from _text(view, name, packed=bool(siblings))
        yield from examine_requirements(view, name, packed=bool(siblings))
        if siblings and may_be_arena(bytes(view[:_SAMPLE]), siblings):
            yield from examine_operators(bytes(view[: MAX_SOURCE + 1]))


def _of_format(view: memoryview) -> Iterator[Remark] | None:
    """Remarks on a file of weights that holds texts; None where it is none."""
    start = bytes(view[:16])
    if start.startswith(b"GGUF"):
        return examine_gguf(view)
    if start.startswith(HDF5):
        return examine_hdf5(view)
    header = _safetensors_header(view)
    return None if header is None else _metadata(header)


def _python(view: memoryview, name: str, siblings: Collection[str]) -> Iterator[Remark]:
    source = bytes(view[: MAX_SOURCE + 1])  # one more tells that it goes on
    scripted = in_torchscript(name, siblings) or may_be_arena(source, siblings)
    remarks = examine_torchscript(source) if scripted else None
    if remarks is None:
        yield from examine_python(source, name, siblings)
    if remarks is None and scripted:
        yield from examine_operators(source)
    yield from remarks or ()


def _safetensors_header(view: memoryview) -> memoryview | None:
    length = int.from_bytes(view[:8], "little")
    if not 2 <= length <= min(_MAX_HEADER, len(view)):
        return None
    header = view[8 : 8 + length]
    return header if bytes(header[:64]).lstrip()[:1] == b"{" else None


def _metadata(header: memoryview) -> Iterator[Remark]:
    text = text_of(header)
    if "__metadata__" not in text and "\\" not in text:
        return
    for document in parse_json(text):
        if isinstance(document, Table):
            held = [value for value in document.values("__metadata__") if isinstance(value, Table)]
            yield from examine_documents(list(held), "metadata ")


def _is_named_text(name: str) -> bool:
    """Whether a loader reads the file as text, whatever characters are in it."""
    base = PurePosixPath(name.lower()).name
    return base.endswith((*_TEMPLATES, ".json", ".yaml", ".yml")) or "chat_template" in base


def _text(view: memoryview, name: str, *, packed: bool) -> Iterator[Remark]:
    if len(view) > MAX_DOCUMENT:
        kind = EVALUATED if packed and _is_obeyed(name) else _UNEXAMINED
        message = f"text of {len(view):,} bytes, of which code was not looked for"
        yield Remark(kind, message, help=_HELP)
        return
    for text in readings_of(view):
        yield from _of_text(text, name, packed=packed)
    yield from examine_text(bytes(view[: MAX_SOURCE + 1]))


def _is_obeyed(name: str) -> bool:
    """Whether an archive's loader evaluates, imports or runs what the JSON of that name says."""
    return name.lower().endswith(".json") or "models/" in name


def _of_text(text: str, name: str, *, packed: bool) -> Iterator[Remark]:
    lowered = name.lower()
    start = text[:256].lstrip()
    settings = settings_of(text, name)
    documents = start[:1] in ("{", "[") and (settings is None or is_json(text))
    if documents and not is_bounded(text):
        message = (
            f"JSON of more than {MAX_VALUES:,} values, or {MAX_TABLES:,} objects, "
            "in which code was not looked for"
        )
        yield Remark(EVALUATED if packed else _UNEXAMINED, message, help=_HELP)
        yield from examine_tokens(text)
        return
    if lowered.endswith(_TEMPLATES) or start.startswith(_TEMPLATE_OPENS):
        yield from examine_template(text, "the file")
    elif documents:
        parsed = parse_json(text)
        words = PurePosixPath(lowered).name == _TOKENIZER
        yield from examine_documents(without_vocabulary(parsed) if words else parsed)
    elif "template" in lowered and looks_like_template(text):
        yield from examine_template(text, "the file")
    if settings is not None and len(text) > MAX_SETTINGS:
        message = f"settings of {len(text):,} characters, in which code was not looked for"
        yield Remark(_UNEXAMINED, message, help=_HELP)
    if settings is not None:
        yield from examine_documents([settings])
    elif not documents or not is_json(text):
        yield from examine_yaml(text, name, known=documents and not named_yaml(name))
