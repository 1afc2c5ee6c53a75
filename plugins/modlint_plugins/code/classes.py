"""Classes that configurations of a hub folder name by their path, to be imported and called.

`peft.AutoPeftModel` takes the base model's class from `auto_mapping`; Sentence Transformers takes
tokenizers, activation functions and the modules of a router from their configurations (until its
release 6 without a question). What the libraries themselves write is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import DOTTED, acts, standard
from modlint_plugins.code.documents import Table
from modlint_plugins.code.expressions import EVALUATED
from modlint_plugins.code.targets import ACTING_CALLABLE, FOREIGN_CALLABLE

_KEYS = (
    "megatron_core",
    "tokenizer_class",
    "activation_function",
    "activation_fct",
    "loss_fct",
    "pooling_class",
)
_LIBRARIES = re.compile(
    r"(?:torch|megatron|transformers|sentence_transformers|diffusers|peft|timm|optimum|trl|accelerate)(?:\..*)?"
)
_NATIVE = re.compile(r"\S{1,400}\.(?:so(?:\.\d+)*|dll|dylib|pyd)")
_ACTIVATION = re.compile(r"(?:torch\.)?nn\.\w+\((?:(?:\w+ ?= ?)?[\w.]+)?\)|\w+")
"""An activation of a layer as a model's YAML names it."""
_SHOWN = 80
_HELP = "read that code before anything loads this folder"


def examine_classes(table: Table) -> Iterator[Remark]:
    """Remarks on the classes of other packages that a configuration names."""
    for key, name in _classes(table):
        yield from _named(name, key)
    for key, value in table.pairs:
        if isinstance(value, str) and _NATIVE.fullmatch(value):
            message = f"{key[:_SHOWN]} names a library of native code: {value[:_SHOWN]}"
            yield Remark(FOREIGN_CALLABLE, message, help=_HELP)
    if table.holds("backbone", "head"):
        for text in table.texts("activation"):
            if not _ACTIVATION.fullmatch(text):
                message = f"activation holds {text[:_SHOWN]!r}, which ultralytics evaluates"
                yield Remark(EVALUATED, message, help=_HELP)
    if any(value == "pickle" for value in table.values("id")):
        message = "names pickle as the codec of an array (zarr): reading it unpickles objects"
        yield Remark(FOREIGN_CALLABLE, message, help=_HELP)


def _classes(table: Table) -> Iterator[tuple[str, str]]:
    """Keys and the classes or packages that they name by a path."""
    yield from ((key, name) for key in _KEYS for name in table.texts(key) if _is_path(key, name))
    for mapping in table.values("auto_mapping"):
        if isinstance(mapping, Table):
            yield from (("auto_mapping", name) for name in mapping.texts("parent_library"))
    for types in table.values("types"):
        if isinstance(types, Table):
            yield from (("types", name) for _, name in types.pairs if isinstance(name, str))


def _is_path(key: str, name: str) -> bool:
    """Whether a name is looked up by its path; of the others a library has a table."""
    return "." in name or key == "megatron_core"


def _named(name: str, key: str) -> Iterator[Remark]:
    deed = acts(name) if DOTTED.fullmatch(name) else None
    message = f"{key} names {name[:_SHOWN]}, which loading imports and calls"
    if deed is not None or standard(name):
        yield Remark(ACTING_CALLABLE, message, help=_HELP)
    elif not _LIBRARIES.fullmatch(name):
        yield Remark(FOREIGN_CALLABLE, message, help=_HELP)
