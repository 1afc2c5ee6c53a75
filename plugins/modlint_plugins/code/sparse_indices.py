"""TorchScript that writes into the indices of a sparse tensor, which torch checks once or never.

`_indices()` and its like give the tensor's own indices: what is written there is believed by every
later operator. Variables are followed within a function, whatever the order of its lines; what
leaves the function is told too, for nobody sees what becomes of it.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator

from modlint_plugins.code.words import words

INDICES = words("_indices indices crow_indices col_indices ccol_indices row_indices")
"""Operators that give the indices of a sparse tensor."""
_FRESH = words(
    "add sub mul div floor_divide remainder neg abs pow exp log mm bmm matmul linear addmm"
    " sum mean prod max min amax amin argmax argmin any all eq ne lt gt le ge equal"
    " size stride numel dim len item Int Float Bool is_cuda"
    " clone cat stack hstack vstack index index_select gather take masked_select where"
    " zeros_like ones_like empty_like full_like new_zeros new_ones new_full new_empty"
    " scatter scatter_add index_add index_fill bincount unique _unique2 unique_consecutive cumsum"
    " argsort topk nonzero embedding one_hot relu softmax"
)
"""torch's operators whose result is a tensor, or a number, of its own."""
_PLAIN = words("len int float bool str print isinstance range")
_PASSING = words("annotate unchecked_cast uninitialized list tuple")
_WRITING = re.compile(
    r"(?:.*[^_])?_|__i\w+__|_set_item|append|insert|extend|setdefault|update|set_data|sort"
    r"|_cum(?:max|min)_helper|fbgemm_linear_\w+|\w*fused_\w+|_amp_\w+|\w*batch_norm\w*"
    r"|rrelu_with_noise|_flash_attention_\w+"
)
"""Operators that change one of their arguments, or keep it."""
_OWN_NAMESPACES = ("aten", "prim")
_ROOTS = ("torch", "ops")
_CHANGES = "changes the indices of a sparse tensor"
_HANDS_ON = "hands on the indices of a sparse tensor, which nothing checks again"


def writes(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Lines that change such indices or hand them on, each with what it does."""
    nodes = list(ast.walk(tree))
    if not any(_is_source(node) for node in nodes):
        return
    classes = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    for node in (*tree.body, *(node for held in classes for node in held.body)):
        if isinstance(node, ast.FunctionDef):
            yield from _in_function(node)


def may_write(operators: Collection[str]) -> bool:
    """Whether code that calls these operators may change the indices of a sparse tensor."""
    names = {operator.rpartition("::")[2] for operator in operators}
    return not INDICES.isdisjoint(names) and any(map(_WRITING.fullmatch, names))


def _in_function(function: ast.FunctionDef) -> Iterator[tuple[int, str]]:
    nodes = list(ast.walk(function))
    held = _held(nodes, _holders(nodes))
    if any(_renames(node) for node in nodes):
        yield function.lineno, "gives the indices of a sparse tensor to what was not followed"
    for node in nodes:
        match node:
            case ast.Call():
                told = _of_call(node, held)
            case ast.AugAssign(target=target) if target in held:
                told = _CHANGES
            case ast.Assign(targets=[ast.Subscript(value=whole)]) if whole in held:
                told = _CHANGES
            case (
                ast.Assign(targets=[ast.Attribute() | ast.Subscript()], value=value)
                | ast.Return(value=ast.expr() as value)
            ) if value in held:
                told = _HANDS_ON
            case _:
                told = None
        if told is not None:
            yield getattr(node, "lineno", function.lineno), told


def _of_call(call: ast.Call, held: Collection[ast.AST]) -> str | None:
    """What a call does to such indices, None where it does nothing of the kind."""
    base = call.func.value if isinstance(call.func, ast.Attribute) else None
    own = base in held
    keyed = any(keyword.value in held for keyword in call.keywords)
    if not (own or keyed or any(argument in held for argument in call.args)):
        return None
    name = _called(call)
    if keyed or _WRITING.fullmatch(name):
        return _CHANGES
    return None if own or _is_known(call) else _HANDS_ON


def _is_known(call: ast.Call) -> bool:
    """Whether a call is of one of torch's own operators, or gives back what it is given."""
    if isinstance(call.func, ast.Name):
        return call.func.id in _PLAIN or call.func.id in _PASSING
    return _is_own(call.func)


def _is_own(function: ast.expr) -> bool:
    match function:
        case ast.Attribute(value=ast.Name(id="torch")):
            return True
        case ast.Attribute(value=ast.Attribute(value=ast.Name(id="ops"), attr=namespace)):
            return namespace in _OWN_NAMESPACES
    return False


def _is_fresh(call: ast.Call) -> bool:
    if isinstance(call.func, ast.Name):
        return call.func.id in _PLAIN
    return _is_own(call.func) and _called(call) in _FRESH


def _renames(node: ast.AST) -> bool:
    """Whether a node gives `torch` or `ops` another meaning."""
    match node:
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            return name in _ROOTS
    return False


def _holders(nodes: list[ast.AST]) -> set[str]:
    """Variables that hold such indices, or a part of them."""
    bindings = [binding for node in nodes for binding in _bindings(node)]
    readers: dict[str, list[int]] = {}
    waiting: list[int] = []
    for number, (_, value) in enumerate(bindings):
        for part in _passed_on(value):
            if _is_source(part):
                waiting.append(number)
            elif isinstance(part, ast.Name):
                readers.setdefault(part.id, []).append(number)
    targets = [names for names, _ in bindings]
    held: set[str] = set()
    while waiting:
        names = targets[waiting.pop()]
        held.update(names)
        while names:  # once for each binding
            waiting += readers.pop(names.pop(), ())
    return held


def _passed_on(expression: ast.expr) -> Iterator[ast.AST]:
    """The parts of an expression that its value may share memory with."""
    pending: list[ast.AST] = [expression]
    while pending:
        node = pending.pop()
        yield node
        if not (isinstance(node, ast.Call) and _is_fresh(node)):
            pending += ast.iter_child_nodes(node)


def _held(nodes: list[ast.AST], names: Collection[str]) -> set[ast.AST]:
    """Expressions whose value may be such indices, or share their memory: each is visited once."""
    held: set[ast.AST] = set()
    for node in reversed(nodes):  # what an expression is made of comes after it
        if _is_source(node) or (isinstance(node, ast.Name) and node.id in names):
            held.add(node)
        elif isinstance(node, ast.Call) and _is_fresh(node):
            continue
        elif any(child in held for child in ast.iter_child_nodes(node)):
            held.add(node)
    return held


def _bindings(node: ast.AST) -> Iterator[tuple[list[str], ast.expr]]:
    """The variables that a node gives a value."""
    match node:
        case ast.Assign(targets=[target], value=value):
            pass
        case ast.AnnAssign(target=target, value=ast.expr() as value):
            pass
        case ast.For(target=target, iter=value) | ast.comprehension(target=target, iter=value):
            pass
        case _:
            return
    yield [part.id for part in ast.walk(target) if isinstance(part, ast.Name)], value


def _is_source(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and _called(node) in INDICES


def _called(call: ast.Call) -> str:
    match call.func:
        case ast.Attribute(attr=name) | ast.Name(id=name):
            return name
        case ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str() as name)]):
            return name
    return ""
