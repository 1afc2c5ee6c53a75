"""Keras: configurations from which layers are built, code of Lambda layers included.

`keras.models.load_model` imports what `module` and `class_name` say and calls it; a Lambda layer's
function is marshalled code (CVE-2024-3660, CVE-2025-1550, CVE-2025-8747, CVE-2025-9905).
"""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import acts, standard
from modlint_plugins.code.documents import Table
from modlint_plugins.code.words import words

LAMBDA = "lambda-layer"
FOREIGN = "foreign-class"
STANDARD = "standard-class"

_LAMBDAS = frozenset(("Lambda", "__lambda__"))
_LIBRARIES = words(
    "keras tf_keras keras_core keras_nlp keras_hub keras_cv keras_tuner tensorflow"
    " tensorflow_addons tensorflow_hub"
)
_UNSAFE = words("utils saving config export backend legacy models")
_PURE = words("activations losses metrics initializers regularizers constraints ops nn math random")
"""Packages of functions that only compute."""
_BUILT_IN = frozenset(("slice", "dict", "list", "tuple"))
_ACTING = words(
    "get_file load_model load_weights load_lora save_model save_weights"
    " enable_unsafe_deserialization download extract_archive import_module run"
)
"""Functions of Keras that fetch or write files, or open the way for more code."""
_SAVED_MODEL = "TFSMLayer"
_MODELS = frozenset(("Model", "Sequential", "Functional"))
_SHOWN = 80
_HELP = "do not load this model: building its layers runs this code"


def examine_keras(table: Table) -> Iterator[Remark]:
    """Remarks on an object of a Keras configuration."""
    for name in table.texts("class_name"):
        if not table.holds("config") or "\n" in name:
            continue
        modules = list(table.texts("module"))
        if name.rpartition(">")[2] == _SAVED_MODEL:
            yield Remark(FOREIGN, "a TFSMLayer: it loads another model by a path", help=_HELP)
        if name.rpartition(">")[2] in _LAMBDAS:
            yield Remark(LAMBDA, "a Lambda layer: code that loading rebuilds and runs", help=_HELP)
        for module in modules:
            problem = _problem(module, name, table)
            if problem:
                called = [name, *(table.texts("config") if name == "function" else ())]
                kind = STANDARD if any(_runs(module, each) for each in called) else FOREIGN
                shown = f"{module}.{called[-1]}"[:_SHOWN]
                yield Remark(kind, f"an object of the class {shown}, {problem}", help=_HELP)


def _runs(module: str, name: str) -> bool:
    """Whether what a module calls by a name does more than build a layer."""
    acting = name.rpartition(".")[2] in _ACTING
    return standard(module) or acting or acts(f"{module}.{name}") is not None


def _problem(module: str, name: str, table: Table) -> str | None:
    """What is wrong with a class, None where nothing is."""
    parts = module.split(".")
    if parts[0] == "builtins":
        by_name = name == "function" and any(table.texts("config"))
        return None if by_name or name in _BUILT_IN else "of Python itself"
    if parts[0] not in _LIBRARIES:
        return "which is none of Keras"
    if name == "function" and not _PURE.intersection(parts):
        return "a function, called while the model is built again"
    function = name[:1].islower() and not name.startswith("__")
    if _UNSAFE.intersection(parts) and name not in _MODELS and (function or "config" in parts):
        return "which is no layer"
    if name == "function" and _UNSAFE.intersection(parts):
        return "which is no layer"
    return None
