"""Texts of configurations that a loader evaluates as Python.

MONAI evaluates every text that begins with `$` (monai/bundle/config_item.py, `ConfigExpression`),
YOLOv5 and its kin every text in the rows of `backbone` and `head`, ultralytics `activation`, and
a resolver called `eval` of OmegaConf's what follows it.
"""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import DOTTED, acts
from modlint_plugins.code.documents import Table
from modlint_plugins.code.expressions import EVALUATED
from modlint_plugins.code.parsing import MAX_SOURCE, UnparsedError, parse
from modlint_plugins.code.python_deeds import Deed, deeds
from modlint_plugins.code.python_source import ACTING, PRESENT
from modlint_plugins.code.targets import STANDARD
from modlint_plugins.code.words import words

_ACTIVATION = re.compile(r"(?:torch\.)?nn\.\w+\((?:(?:\w+ ?= ?)?[\w.]+)?\)|\w+")
"""An activation of a layer as a model's YAML names it."""
_PLAIN = re.compile(r"[\w.,:/ +*-]*(?:\([\d., ]*\))?")
"""A module, a number or a word in a row of a layer."""
_CONFIGURATIONS = ("cfg", "config")
_ROWS = ("backbone", "head", "neck", "module")
_RESOLVER = re.compile(r"\$\{\s*+eval\s*:")
_REFERENCE = re.compile(r"@\w+(?:(?:::|#)\w*)*")
_READS = words(
    "read_text read_bytes sys.path sys.path.append sys.path.insert torch.load torch.jit.load"
)
"""What expressions of MONAI's own models do: they read files of their folder, and add it."""
_READING = re.compile(r"r[bt]?")
_ACTING = words("eval exec compile open __import__ breakpoint globals input")
_METHODS = words(
    "system popen spawn execv execve run_path run_module import_module optional_import"
)
_BUILT_IN = frozenset(dir(builtins))
_HIDES = re.compile(r"\b(?:os|sys|subprocess|eval|exec|open|getattr|__\w+__|import|system|popen)\b")
MAX_EVALUATED = 1000
"""Texts of one file that are parsed as expressions."""
_LONGEST = 4000
_SHOWN = 80
_HELP = "do not load it by a library that evaluates its texts; take its numbers and names only"


def examine_rows(table: Table) -> Iterator[Remark]:
    """Remarks on the rows of layers of a model that are more than names and numbers."""
    if not table.holds("backbone", "head"):
        return
    for text in table.texts("activation"):
        if not _ACTIVATION.fullmatch(text):
            message = f"activation holds {text[:_SHOWN]!r}, which ultralytics evaluates"
            yield Remark(EVALUATED, message, help=_HELP)
    rows = [row for key in _ROWS for row in table.values(key)]
    for text in _texts(rows):
        if not _is_plain(text):
            message = f"a row of layers holds {text[:_SHOWN]!r}, which YOLOv5 evaluates"
            yield Remark(EVALUATED, message, help=_HELP)
            return


def _is_plain(text: str) -> bool:
    """Whether a text in a row is a layer's name, a number or a word; words are evaluated too."""
    if not _PLAIN.fullmatch(text) or text in _ACTING:
        return False
    return "." not in text or not DOTTED.fullmatch(text) or acts(text) is None


def _texts(rows: list[object]) -> Iterator[str]:
    """Texts of lists within lists."""
    pending = rows[::-1]
    while pending:
        value = pending.pop()
        if isinstance(value, list):
            pending += value[::-1]
        elif isinstance(value, str):
            yield value


def examine_configuration(key: str, text: str) -> Iterator[Remark]:
    """A remark on a configuration in a checkpoint that mmengine runs as Python, where it acts.

    An inferencer without a file of its own takes `meta.cfg` of the weights
    (mmengine/infer/infer.py), older ones `meta.config`.
    """
    if key not in _CONFIGURATIONS or "=" not in text:
        return
    message = f"{key} holds Python, which mmengine runs"
    try:
        tree = parse(text)
    except UnparsedError as error:
        if len(text) > MAX_SOURCE:
            yield Remark(EVALUATED, f"{message}, and which was not parsed ({error})", help=_HELP)
        return
    found = deeds(tree) if any(isinstance(node, ast.Assign) for node in tree.body) else []
    if found:
        yield Remark(EVALUATED, f"{message}: {found[0].name} {found[0].what}", help=_HELP)


def examine_download(table: Table) -> Iterator[Remark]:
    """A remark on code that ultralytics runs where a data set's images are missing."""
    if not table.holds("names", "download") or not (table.holds("train") or table.holds("val")):
        return
    for text in table.texts("download"):
        if text.startswith(("http://", "https://")) and "\n" not in text:
            continue
        message = f"download holds {text[:_SHOWN]!r}, which ultralytics runs"
        try:
            acting = text.startswith("bash ") or bool(deeds(parse(text)))
        except UnparsedError:
            acting = True
        yield Remark(ACTING if acting else PRESENT, message, help=_HELP)


def is_evaluated(text: str) -> bool:
    """Whether MONAI, or a resolver of OmegaConf's, evaluates a text."""
    return (text.startswith("$") and not text.startswith("${")) or (
        "eval" in text[:_LONGEST] and (_RESOLVER.search(text[:_LONGEST]) is not None)
    )


def examine_evaluated(text: str) -> Iterator[Remark]:
    """A remark on a text that is evaluated, where it does more than compute."""
    resolver = _RESOLVER.search(text)
    by = "MONAI" if resolver is None else "a resolver of OmegaConf's"
    source = text[1:] if resolver is None else text[resolver.end() :].strip().strip("}'\"")
    message = f"holds the expression {text[:_SHOWN]!r}, which {by} evaluates"
    try:
        found = _deeds(_REFERENCE.sub("reference", source).strip())
    except UnparsedError as error:
        if len(source) > _LONGEST or _HIDES.search(source):
            yield Remark(STANDARD, f"{message}, and which was not parsed ({error})", help=_HELP)
        return
    if found:
        yield Remark(STANDARD, f"{message}: {found[0].name} {found[0].what}", help=_HELP)


def _deeds(source: str) -> list[Deed]:
    """What an expression does; a name that it does not import is the module of that name.

    Raises:
        UnparsedError: it is no Python, or too long.
    """
    if len(source) > _LONGEST:
        raise UnparsedError(f"longer than {_LONGEST:,} characters")
    tree = parse(source)
    nodes = list(ast.walk(tree))
    free = {node.id for node in nodes if isinstance(node, ast.Name)} - _BUILT_IN
    imports = [ast.alias(name) for name in sorted(free)]
    others = [deed for node in nodes for deed in _others(node)]
    if imports:
        tree.body.insert(0, ast.Import(imports, lineno=0, col_offset=0))
    read = _READS | ({"open"} if _only_reads(tree) else set())
    return others + [deed for deed in deeds(tree) if deed.line and deed.name not in read]


def _others(node: ast.AST) -> Iterator[Deed]:
    """What another expression goes on with: a new name of a module, methods of anything."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            if alias.asname and acts(f"{alias.name}.x") is not None:
                yield Deed(alias.name, "is given another name", 1)
    if isinstance(node, ast.Attribute) and node.attr in _METHODS:
        yield Deed(node.attr, "starts programs, or imports by name", node.lineno)


def _only_reads(tree: ast.Module) -> bool:
    """Whether `open` is only called, and to read."""
    reading = {node.func for node in ast.walk(tree) if isinstance(node, ast.Call) and _reads(node)}
    named = (node for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id == "open")
    return all(node in reading for node in named)


def _reads(call: ast.Call) -> bool:
    """Whether the arguments of a call are those of `open` that reads."""
    match call.args:
        case [_]:
            plain = True
        case [_, ast.Constant(value=str(mode))]:
            plain = _READING.fullmatch(mode) is not None
        case _:
            plain = False
    return plain and {keyword.arg for keyword in call.keywords} <= {"encoding", "errors"}
