"""Names in exported programs (.pt2) that loading or running them imports and follows.

A node's target is looked up by attributes from `torch`, `operator` or `math` on; the contexts of
the specifications of inputs and outputs name enumerations and factories by module. Sources: torch
2.13, `_export/serde/serialize.py`, `deserialize_operator`; `utils/_pytree.py`,
`enum_object_hook`, `_defaultdict_deserialize`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from modlint.checkpoint import Remark
from modlint_plugins.code.callables import acts, standard
from modlint_plugins.code.documents import Table
from modlint_plugins.code.expressions import EVALUATED
from modlint_plugins.code.hub import FOREIGN
from modlint_plugins.code.operators import UNCHECKED_OPERATOR, judge_operator
from modlint_plugins.code.sparse_indices import may_write
from modlint_plugins.code.targets import ACTING_CALLABLE

_ROOTS = ("torch", "_operator", "math")
"""How a name begins that is followed; what stands up to its first dot is not looked at."""
_OPERATORS = "ops"
_LONGEST = 3
"""Names of an operator: its namespace, its own and its overload's."""
_BUILT_IN = ("higher_order", "_operator", "math")
_FUNCTION = re.compile(
    r"torch\._?sym_\w+|torch\._C\._set_grad_enabled|torch\._C\._functorch\.\w+"
    r"|torch\._functorch\.predispatch\.\w+|torch\.amp\.autocast_mode\._(?:enter|exit)_autocast"
    r"|_operator\.(?!__|call$|attrgetter$|methodcaller$)\w+|math\.(?!__)\w+"
)
"""Functions that exported programs call and that are no operators."""
_TABLES = (
    "tensor_values",
    "sym_int_values",
    "sym_bool_values",
    "sym_float_values",
    "custom_obj_values",
)
_LISTS = ("forward_arg_names",)
_NAMES = ("name", "parameter_name", "buffer_name", "tensor_constant_name", "custom_obj_name")
_TEXT = "as_string"
_CALLED = "as_operator"
_NAME = re.compile(r"[\w.\-/]{0,1000}")
"""What stands in source as it is: a name, or a path of names within quotes."""
_QUOTABLE = re.compile(r"[^'\"\\#\n\r]*")
_SHOWN = 80
_HELP = "do not run this program; ask what the operator is for"
_HELP_NAME = "do not load this program: loading imports what it names"


def examine_exported(table: Table, within: str) -> Iterator[Remark]:
    """Remarks on a node of an exported program, or on a context of its specifications.

    Args:
        table: the table.
        within: the key that leads to it.
    """
    if table.holds("target", "inputs", "outputs"):
        for target in table.texts("target"):
            yield from _of_target(target)
    if table.holds("__enum__", "fqn"):
        for name in table.texts("fqn"):
            yield from _imported(name.replace(":", "."), "the member of an enumeration")
    yield from _of_names(table, within)
    yield from _of_indices(table)
    if table.holds("default_factory_module", "default_factory_name"):
        names = list(table.texts("default_factory_name")) or [""]
        for module in table.texts("default_factory_module"):
            for name in names:
                yield from _imported(f"{module}.{name}", "the factory of a mapping")


def _of_names(table: Table, within: str) -> Iterator[Remark]:
    """Remarks on names of a program's graph that are no names: torch writes them into source.

    Sources: torch 2.13, `fx/graph.py`, `_format_target` and the arguments of `forward`;
    `export/_unlift.py`, guards of inputs.
    """
    for key, value in table.pairs:
        if key in _TABLES and isinstance(value, Table):
            yield from _unwritable(key, (name for name, _ in value.pairs))
        elif key in _LISTS and isinstance(value, list):
            yield from _unwritable(key, (name for name in value if isinstance(name, str)))
        elif key == _TEXT and isinstance(value, str) and not _QUOTABLE.fullmatch(value):
            yield _evaluated(key, value)
        elif key == _CALLED and isinstance(value, str):
            yield from _of_target(value)
        elif key in _NAMES and isinstance(value, str) and _is_tensor(key, within):
            yield from _unwritable(key, (value,))


def _is_tensor(key: str, within: str) -> bool:
    """Whether a table names a value of a graph, not one of any other configuration's."""
    return key != "name" or within.startswith("as_") or within == "arg"


def _unwritable(key: str, names: Iterable[str]) -> Iterator[Remark]:
    for name in names:
        if not _NAME.fullmatch(name):
            yield _evaluated(key, name)
            return


def _evaluated(key: str, text: str) -> Remark:
    message = f"holds {text[:_SHOWN]!r} as {key}, which torch writes into Python source"
    return Remark(EVALUATED, message, help=_HELP_NAME)


def _of_target(target: str) -> Iterator[Remark]:
    """A remark on what a program calls: an operator with its overload, or a function."""
    root = next((root for root in _ROOTS if target.startswith(root)), None)
    names = target.split(".")[1:]
    if root is None or not names or not all(name.isidentifier() for name in names):
        return
    if root == _ROOTS[0] and names[0] == _OPERATORS:
        yield from _of_operator(names[1:], target)
    elif not _FUNCTION.fullmatch(".".join((root, *names))):
        yield _no_operator(target)


def _of_operator(names: list[str], target: str) -> Iterator[Remark]:
    """A remark on an operator, by its names below `torch.ops`."""
    judged = "::".join(names[:2])
    listed = judge_operator(judged) is None
    inner = names[2:] if listed else names[1:]
    if not 1 < len(names) <= _LONGEST or any(name.startswith("__") for name in inner):
        yield _no_operator(target)
        return
    judgement = None if names[0] in _BUILT_IN else judge_operator(judged)
    if judgement is not None:
        yield Remark(judgement.kind, f"the program {judgement.message}", help=_HELP)


def _of_indices(table: Table) -> Iterator[Remark]:
    """A remark on a graph that may write into the indices of a sparse tensor."""
    nodes = [node for nodes in table.values("nodes") if isinstance(nodes, list) for node in nodes]
    targets = {text for node in nodes if isinstance(node, Table) for text in node.texts("target")}
    if may_write({"::".join(target.split(".")[2:4]) for target in targets}):
        message = "the program may change the indices of a sparse tensor"
        yield Remark(UNCHECKED_OPERATOR, message, help=_HELP)


def _no_operator(target: str) -> Remark:
    message = f"the program calls {target[:_SHOWN]}, which is no operator"
    return Remark(EVALUATED, message, help=_HELP)


def _imported(name: str, what: str) -> Iterator[Remark]:
    """A remark on a module that a specification names; torch's own and plain types are none."""
    deed = acts(name)
    if deed is None and (name.startswith("torch.") or _is_plain(name)):
        return
    message = f"names {name[:_SHOWN]} as {what}, which loading imports"
    kind = ACTING_CALLABLE if deed is not None or standard(name) else FOREIGN
    yield Remark(kind, message, help=_HELP_NAME)


def _is_plain(name: str) -> bool:
    return name.startswith(("builtins.", "collections.", "http.")) and not standard(name)
