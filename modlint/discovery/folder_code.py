"""Which code and configurations in a folder loaders of the checkpoints around run or read.

A script beside weights is nobody's business: nothing loads it. A module that an index or a
configuration names is imported by the loader, and so is what that module imports.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from pathlib import Path

from msgspec import Struct, field

from modlint.file_names import (
    COMPILED,
    is_configuration,
    is_run_by_name,
    is_settings,
    names_packages,
    restores_tensors,
)

_PYTHON = ".py"
_CACHE = "__pycache__"
"""The folder of compiled code beside its source."""
_TEMPLATES = (".jinja", ".jinja2")
_YAML = (".yaml", ".yml")
_INDEX = "MLmodel"
_PACKAGE = Path(".data", "extern_modules")
"""What torch.package looks for in a folder whose modules it imports."""
_TRITON = "config.pbtxt"
_TRITON_MODEL = "model"
"""The module that Triton's backend for Python runs, unless its configuration names another."""
_CONFIGURING = ("configs", "context")
"""Folders beside a folder of weights that say how a model is built: MONAI's, NeMo's."""
_CODE = ("code", "custom_generate")
"""Folders of the code that goes with a model: SageMaker's and MLflow's, transformers'."""
_MAX_SOURCE = 64 << 20
"""Bytes of a file that are searched for names of modules."""
_MAX_CONFIGURATION = 1 << 20

_ESCAPE = re.compile(
    r"\\u(?!0022|005[cC])([0-9a-fA-F]{4})|\\x(?!22|5[cC])([0-9a-fA-F]{2})|\\U000([01][0-9a-fA-F]{4})"
)
_IN_JSON = re.compile(r'"([^"\s]{1,300})"')
_TEXT_IN_JSON = re.compile(r'"((?:[^"\\]|\\.)*+)"', re.DOTALL)
"""Every text: one with blanks, quotes or backslashes in it is a name of a file too."""
_PATH = re.compile(r"[^./:]+")
"""A part of a path that was read as JSON is, in which a backslash is a letter."""
_LONGEST = 4096
"""Characters of a path (Linux, PATH_MAX)."""
_IN_YAML = re.compile(
    r"""(?:_target_|target|class_path|cls|loader_module|model_code_path|code|![a-z]{1,20}
    |service|predict|model_class_filename)
    ["']?[ \t]{0,9}:?[ \t]{0,9}["']?([\w./-]{1,300})""",
    re.VERBOSE,
)
_BASES = re.compile(
    r"(?:_base_|_BASE_)[\"']?\s{0,9}:([^\n]{0,9999}(?:\n[ \t]{0,99}-[^\n]{0,999}){0,99})"
)
"""Files that mmengine merges, and of which it runs those of Python."""
_CONFIGURATION = re.compile(
    r"^(?:_base_\s{0,9}=|default_scope\s{0,9}=\s{0,9}[\"']|(?:model|custom_imports)\s{0,9}=\s{0,9}dict\()",
    re.MULTILINE,
)
"""Python that mmengine runs as the configuration of the weights beside it."""
_JOINED = re.compile(r"\\\r?\n")
_COMMENT = re.compile(r"#[^\n]*")
_IMPORT = re.compile(r"\b(?:from|import)\b([^\n;(#]{0,400})(?:\(([^)]{0,4000}))?")
_NAME = re.compile(r"\w+")
_PART = re.compile(r"[^./:\\]+")
"""A part of a path or of a dotted name; a module may be called as no identifier is."""


class Folder(Struct):
    """A folder, as far as it was looked at.

    Attributes:
        path: the folder.
        files: its files, in order.
        beside: whether one of them may be a checkpoint.
    """

    path: Path
    files: list[Path]
    beside: bool
    named: set[str] = field(default_factory=set)
    """Names of modules that its indexes and configurations give."""


class FolderCode:
    """The code that loaders run, of all the folders that a search went through."""

    def __init__(self, folders: Iterable[Folder]) -> None:
        self._folders = {folder.path: folder for folder in folders}
        self._over = {path.parent for path, folder in self._folders.items() if folder.beside}
        if not any(_holds_python(folder) for folder in self._folders.values()):
            return
        for folder in self._folders.values():
            named = any(file.name in (_INDEX, _TRITON) for file in folder.files)
            if folder.beside or folder.path in self._over or named:
                folder.named |= set(_named(folder.files))
            if self._configures(folder.path) and folder.path.parent in self._folders:
                self._folders[folder.path.parent].named |= set(_named(folder.files))

    def is_loaded(self, path: Path) -> bool:
        """Whether a loader of checkpoints in this folder, or in one above, runs or reads a file."""
        name, folder = path.name.lower(), self._folders[path.parent]
        if names_packages(path) and self._is_installed(folder):
            return True
        if path.parent in self._over and is_settings(path):
            return True
        if restores_tensors(path):
            return True
        if name.endswith(_YAML) or is_configuration(path):
            return folder.beside or self._configures(path.parent)
        if name.endswith(_TEMPLATES):
            return folder.beside
        if name.endswith(COMPILED):
            return self._is_named(path)
        if not name.endswith(_PYTHON):
            return False
        run = folder.beside and (is_run_by_name(path) or _configures_by_code(path))
        return run or self._is_named(path)

    def _is_installed(self, folder: Folder) -> bool:
        """Whether a server of models looks in a folder for the packages that they need."""
        over = self._folders.get(folder.path.parent)
        code = folder.path.name in _CODE and over is not None and over.beside
        return folder.beside or code or self._is_indexed(folder)

    def _configures(self, folder: Path) -> bool:
        return folder.name in _CONFIGURING and folder.parent in self._over

    def _is_named(self, path: Path) -> bool:
        """Whether an index above names the module, or holds its folder as code of a model."""
        compiled = path.name.lower().endswith(COMPILED)
        module = path.name.partition(".")[0] if compiled else path.stem
        cached = path.parent.name == _CACHE  # only what is imported where it lies is read from here
        for parent in path.parents:
            folder = self._folders.get(parent)
            if folder is None:
                return False
            parts = path.relative_to(parent).parts
            if self._is_indexed(folder):
                return True
            if (folder.beside and parts[0] in _CODE and len(parts) > 1) or (
                module in folder.named and not cached
            ):
                return True
        return False

    def _is_indexed(self, folder: Folder) -> bool:
        named = any(file.name == _INDEX for file in folder.files)
        return named or _is_file(folder.path / _PACKAGE)


def _configures_by_code(path: Path) -> bool:
    return _CONFIGURATION.search(_start(path, _MAX_CONFIGURATION)) is not None


def _holds_python(folder: Folder) -> bool:
    return any(file.name.lower().endswith((_PYTHON, *COMPILED)) for file in folder.files)


def _named(files: Iterable[Path]) -> Iterator[str]:
    """Names of modules in the configurations of a folder, and in the modules that they name."""
    files = list(files)
    found: set[str] = set()
    for file in files:
        if file.name.lower().endswith((".json", *_YAML)) or file.name in (_INDEX, _TRITON):
            found.update(_in_configuration(file))
        if file.name == _TRITON:
            found.add(_TRITON_MODEL)
    pending = [file for file in files if file.name.endswith(_PYTHON)]
    while reached := [file for file in pending if file.stem in found or is_run_by_name(file)]:
        pending = [file for file in pending if file not in reached]
        for file in reached:
            found.update(_imported(_start(file)))
    return iter(found)


def _imported(source: str) -> Iterator[str]:
    """Names in the imports of a module; Python normalises its identifiers."""
    joined = _JOINED.sub(" ", unicodedata.normalize("NFKC", source))
    for text in (joined, _COMMENT.sub("", joined)):
        for match in _IMPORT.finditer(text):
            yield from _NAME.findall("".join(filter(None, match.groups())))


def _in_configuration(path: Path) -> Iterator[str]:
    start = _start(path)
    text = _ESCAPE.sub(lambda match: chr(int(match[1] or match[2] or match[3], 16)), start)
    quoted = path.name.lower().endswith((".json", _TRITON))
    pattern = _IN_JSON if quoted else _IN_YAML
    for match in pattern.finditer(text):
        yield from _NAME.findall(match.group(1))
        yield from _PART.findall(match.group(1))
    for match in _BASES.finditer(text):
        yield from _PART.findall(match.group(1).replace('"', "/").replace("'", "/"))
    for match in _TEXT_IN_JSON.finditer(start) if quoted else ():
        if len(match[1]) <= _LONGEST * len("\\u0000"):
            yield from _modules(_read(match[1]))


def _modules(text: str) -> Iterator[str]:
    """Names of modules in a text: in prose, parts with a blank and those of a path at its end."""
    words = text.split()
    prose = len(words) > 1
    path = words[-1] if prose and set("./:") & set(words[-1].strip(".")) else ""
    yield from (part for part in _PATH.findall(text) if not prose or any(map(str.isspace, part)))
    yield from _PATH.findall(path)


def _read(body: str) -> str:
    """What a text of JSON stands for; two escapes may be one letter."""
    if "\\" not in body:
        return body
    try:
        return str(json.loads(f'"{body}"', strict=False))
    except ValueError:
        return body


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return False


def _start(path: Path, most: int = _MAX_SOURCE) -> str:
    """The start of a file as text, "" where it cannot be read."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(most).decode("utf-8", "replace")
    except OSError:
        return ""
