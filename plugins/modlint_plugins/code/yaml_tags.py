"""Tags of YAML that make a loader import, build or call: PyYAML's, HyperPyYAML's, SnakeYAML's."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import DOTTED, PLAIN, acts, as_path, standard
from modlint_plugins.code.targets import ACTING_CALLABLE, STANDARD, TARGET
from modlint_plugins.code.words import words

_CORE = "tag:yaml.org,2002:"
_PYTHON = f"{_CORE}python/"
_TYPES = words("str int float bool null map seq set omap pairs binary timestamp merge value yaml")
_VALUES = words("none bool str unicode bytes int long float complex list tuple dict")
_BUILDS = re.compile(r"(?:object(?:/apply|/new)?|name|module):(.*)", re.DOTALL)
_OBJECTS = frozenset(("argparse.Namespace", "pathlib.PosixPath", "pathlib.WindowsPath"))
_LOCAL = re.compile(
    r"!(?:apply|applyref|new|name|module|call|obj|class|func|import)\w*:(.*)", re.DOTALL
)
_EVALUATES = re.compile(r"!(?:eval|exec|lambda|pickle|shell|cmd)\b.*", re.DOTALL)
_INCLUDES = re.compile(r"!include\w*:?(.*)", re.DOTALL)
_SHOWN = 80
_HELP = "do not load it with a loader that obeys its tags; read its values only"


def examine_tag(tag: str, text: str) -> Iterator[Remark]:
    """A remark on a tag that is none of a plain value's.

    Args:
        tag: as it is resolved.
        text: the scalar that follows.
    """
    if tag.startswith(_PYTHON):
        yield from _of_python(tag, tag.removeprefix(_PYTHON))
    elif tag.startswith(_CORE):
        name = tag.removeprefix(_CORE)
        if name not in _TYPES and "." in name:
            message = f"{_named(tag)} makes a loader of another language build an object"
            yield Remark(STANDARD, message, help=_HELP)
    elif (local := _LOCAL.fullmatch(tag)) is not None:
        yield from _of_callable(tag, local.group(1).strip() or text.strip(), STANDARD)
    elif (included := _INCLUDES.fullmatch(tag)) is not None:
        yield from _of_included(tag, (included.group(1) or text).strip())
    elif tag.startswith("!ruby/") or _EVALUATES.fullmatch(tag):
        yield Remark(STANDARD, f"{_named(tag)} makes a loader build an object", help=_HELP)


def _of_python(tag: str, name: str) -> Iterator[Remark]:
    builds = _BUILDS.fullmatch(name)
    if builds is not None:
        yield from _of_callable(
            tag, builds.group(1).strip(), STANDARD, builds.group()[:4] == "name"
        )
    elif name not in _VALUES:
        message = f"{_named(tag)} makes an unsafe YAML loader build an object"
        yield Remark(STANDARD, message, help=_HELP)


def _of_included(tag: str, path: str) -> Iterator[Remark]:
    """A remark on another file that is read; YAML of the same folder is examined by itself."""
    inside = path.lower().endswith((".yaml", ".yml")) and not path.startswith(("/", "\\"))
    if inside and ".." not in path and ":" not in path:
        yield Remark(TARGET, f"{_named(tag)} reads {path[:_SHOWN]} beside it", help=_HELP)
    else:
        message = f"{_named(tag)} reads another file, which was not examined: {path[:_SHOWN]}"
        yield Remark(STANDARD, message, help=_HELP)


def _of_callable(tag: str, name: str, kind: str, only_named: bool = False) -> Iterator[Remark]:
    path = as_path(name)
    deed = acts(path) if DOTTED.fullmatch(path) else None
    asked = name in _OBJECTS or only_named or (tag.startswith("!") and not standard(path))
    if deed is not None:
        message = f"{_named(tag)} makes a YAML loader reach {name[:_SHOWN]}, which {deed}"
        yield Remark(ACTING_CALLABLE if standard(path) else STANDARD, message, help=_HELP)
    elif asked or PLAIN.fullmatch(path):
        message = f"{_named(tag)} makes a YAML loader reach {name[:_SHOWN]}"
        yield Remark(TARGET, message, help=_HELP)
    else:
        message = f"{_named(tag)} makes an unsafe YAML loader build an object"
        yield Remark(kind, message, help=_HELP)


def _named(tag: str) -> str:
    shown = tag.replace(_CORE, "!!", 1) if tag.startswith(_CORE) else tag
    return f"the tag {shown[:_SHOWN]}"
