"""Indexes of a model's folder that name modules to be imported: MLflow, Sentence Transformers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import acts, standard
from modlint_plugins.code.documents import Table
from modlint_plugins.code.hub import FOREIGN, REMOTE
from modlint_plugins.code.targets import ACTING_CALLABLE

_SENTENCE = "sentence_transformers."
_MLFLOW = "mlflow"
HIDDEN = "hidden-module"
_ABSOLUTE = re.compile(r"[/\\]|[A-Za-z]:")
_CODE_KEYS = ("code", "model_code_path")
_SHOWN = 100
_HELP = "read that code before anything loads this folder"


def examine_folder(table: Table) -> Iterator[Remark]:
    """Remarks on an entry of MLflow's `MLmodel`, or of Sentence Transformers' `modules.json`.

    `mlflow.pyfunc.load_model` puts `code` on the path and imports `loader_module`
    (mlflow/pyfunc/__init__.py); `SentenceTransformer` imports each `type`, of a local folder
    without a question in releases before 6.
    """
    if table.holds("loader_module"):
        yield from _of_mlflow(table)
    if table.holds("path", "type"):
        for name in table.texts("type"):
            if "." in name and not name.startswith(_SENTENCE):
                yield _of_sentences(name)
        if table.holds("idx", "name"):
            yield from _elsewhere(table.texts("path"))
    if table.holds("types", "structure"):
        held = [value for value in table.values("types") if isinstance(value, Table)]
        yield from _elsewhere(name for types in held for name, _ in types.pairs)


def _of_mlflow(table: Table) -> Iterator[Remark]:
    for module in table.texts("loader_module"):
        if module.partition(".")[0] != _MLFLOW:
            message = f"MLmodel names the module {module[:_SHOWN]}"
            yield _acting(message, module) or Remark(
                FOREIGN, f"{message}, which loading the folder imports and runs", help=_HELP
            )
    held = (value for _, value in table.pairs if isinstance(value, str) and "/" in value)
    yield from _hidden(held, "MLmodel")
    for key in _CODE_KEYS:
        for path in table.texts(key):
            message = f"MLmodel names the code of the folder, which loading runs: {path[:_SHOWN]}"
            yield Remark(REMOTE, message, help=_HELP)


def _elsewhere(paths: Iterable[str]) -> Iterator[Remark]:
    """A remark on each folder of a module that is not one of the model's own, in plain sight.

    Weights lie there too: `SentenceTransformer` joins the path to the folder's, whatever it is.
    """
    for path in paths:
        parts = path.replace("\\", "/").split("/")
        if ".." in parts or _ABSOLUTE.match(path):
            message = f"names a module outside of the model's folder: {path[:_SHOWN]!r}"
            yield Remark("path-escape", message, help=_HELP)
        elif any(part.startswith(".") and part != "." for part in parts):
            message = f"names a module in a hidden folder, which nothing examined: {path[:_SHOWN]}"
            yield Remark(HIDDEN, message, help=_HELP)


def _hidden(paths: Iterable[str], index: str) -> Iterator[Remark]:
    """A remark on each path that leads to a hidden file, or out of the folder."""
    for path in paths:
        parts = path.split("/")
        absolute = len(parts) > 1 and not parts[0]
        if absolute or any(part.startswith(".") and part != "." for part in parts):
            message = f"{index} names a hidden file, where nothing was looked for: {path[:_SHOWN]}"
            yield Remark(FOREIGN, message, help=_HELP)


def _of_sentences(name: str) -> Remark:
    shown = f"modules.json names the class {name[:_SHOWN]}"
    if "--" in name:
        return Remark(FOREIGN, f"{shown} of another repository", help=_HELP)
    message = f"{shown} of code beside the weights, which runs on request"
    return _acting(shown, name) or Remark(REMOTE, message, help=_HELP)


def _acting(message: str, module: str) -> Remark | None:
    deed = acts(module)
    if deed is None and not standard(module):
        return None
    return Remark(ACTING_CALLABLE, f"{message}, which {deed or 'is no model'}", help=_HELP)
