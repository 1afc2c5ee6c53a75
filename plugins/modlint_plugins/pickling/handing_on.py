"""Calls that loading makes though no opcode names one: what a file plants there runs.

The unpickler looks up `__setstate__`, `extend`, `append` and `add` on the instance itself, and
so do the classes and functions that checkpoints need: `dict(x)` calls `x.keys`, an optimiser
`self.state.get`, `Parameter(x)` `x.detach`, `str(x)` whatever the class of x likes. A global that
stands where one of these looks is handed on. What no pickler writes (a second BUILD, items for an
instance that has its state) hands on all that the instance holds.
Sources: CPython, Modules/_pickle.c, `load_build`, `do_append`, `load_additems`,
Objects/dictobject.c, `dict_update_arg`; torch 2.13, `optim/optimizer.py`, `nn/parameter.py`,
`_utils.py`, `_tensor.py`; numpy 2.x, `ma/core.py`.
"""

from __future__ import annotations

import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources

from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.reach import GETATTR, PARTIAL, callables_in, callees, parts_of
from modlint_plugins.pickling.render import render, render_attribute
from modlint_plugins.pickling.values import Blob, Dict, Global, Nested, Object, Pairs, Set, Value

_HARMLESS = frozenset(
    {
        "__annotations__",
        "__dict__",
        "__doc__",
        "__module__",
        "__name__",
        "__orig_class__",
        "__qualname__",
        "__wrapped__",
    }
)
UNPICKLED = frozenset({"__setstate__", "add", "append", "extend"})
"""What the unpickler itself looks up on an instance."""
ALWAYS_CALLED = UNPICKLED | {
    "as_subclass",
    "astype",
    "clear",
    "copy",
    "detach",
    "discard",
    "get",
    "items",
    "keys",
    "pop",
    "popitem",
    "read",
    "replace",
    "requires_grad_",
    "set_",
    "setdefault",
    "to",
    "update",
    "values",
}
"""What listed functions call on whatever they are given."""
_STANDARD = "python"
_BAGS = frozenset({("argparse", "Namespace"), ("types", "SimpleNamespace")})
"""Classes that stand in for any other: whatever is called on that may be planted in them."""
_OPTIMISERS, _SCHEDULES = "torch.optim", ("torch.optim.lr_scheduler", "torch.optim.swa_utils")
_WRITES_FUNCTIONS = "cloudpickle.cloudpickle"
"""Package that puts a function together out of what the file holds, which is judged as code."""
_KEPT_BY_TYPES = ("CellType", "CodeType", "FunctionType", "LambdaType", "SimpleNamespace")
_GENERATORS = (
    "__RandomState_ctor",
    "__bit_generator_ctor",
    "__generator_ctor",
    "__randomstate_ctor",
)
_KEEPING = frozenset(
    {
        GETATTR,
        PARTIAL,
        *(("types", name) for name in _KEPT_BY_TYPES),
        *(("numpy.random._pickle", name) for name in _GENERATORS),
        ("numpy.random", "__RandomState_ctor"),
    }
)
"""Functions that only keep what they are given, or whose calls `rebuild` follows."""
_SHARED = frozenset(
    {
        GETATTR,
        ("http", "HTTPMethod"),
        ("http", "HTTPStatus"),
        ("logging", "getLogger"),
        ("re", "RegexFlag"),
        ("re", "_compile"),
        ("signal", "Handlers"),
        ("signal", "Signals"),
        ("socket", "AddressFamily"),
        ("socket", "SocketKind"),
        ("torch.distributed.checkpoint.metadata", "_MEM_FORMAT_ENCODING"),
        ("uuid", "SafeUUID"),
    }
)
"""Functions that give what is there already."""
_MAKING = frozenset({"numpy", "torch", *sys.stdlib_module_names})
"""Packages whose other classes make an instance of a number or a text."""
_MEMBERS = (int, str, float, tuple, Blob, type(None))
"""What a member of an enumeration is looked up by: its value, and what a version adds to that."""
_INTERFACES = ("__array_", "__cuda_array_")
"""Attributes by which NumPy and PyTorch take an address from an instance."""
_NESTED, _PAIR = 3, 2


def attributes(target: Object) -> Iterator[Pairs]:
    """The pairs that BUILD or keyword arguments set as attributes, the latest first."""
    for state in (target.state, *reversed(target.earlier or ()), target.kwargs):
        yield from (part.pairs for part in _parts(state) if isinstance(part, Dict))


def planted(machine: Interpreter, target: Value, name: str) -> Value | None:
    """The callable that the file set as an attribute of an instance, None where it set none."""
    if not isinstance(target, Object):
        return None
    for pairs in attributes(target):
        machine.budget.spend_opcodes(len(pairs) + 1)
        for key, value in reversed(pairs):
            if _text(key) == name and next(callees(machine, value), None) is not None:
                return value
    return None


def note_planted(machine: Interpreter, target: Value, state: Value) -> None:
    """Note every global that a state plants where loading may call it."""
    for part in _parts(state):
        if isinstance(part, Dict):
            _note_attributes(machine, target, part)
    listed = [part for part in state if _is_pair(part)] if isinstance(state, (tuple, list)) else []
    if listed:
        _note_attributes(machine, target, Dict([(key, value) for key, value in listed]))
    pair = isinstance(state, tuple) and len(state) == _PAIR and not _reads_tuples(target)
    for part in (state, *(state if pair else ())):
        if isinstance(part, (Global, Object)):
            hand_on_all(machine, part, target, "__setstate__")


def _is_pair(value: Value) -> bool:
    """Whether a value is a key and what it is set to, as `dict.update` takes them."""
    return isinstance(value, (tuple, list)) and len(value) == _PAIR and _text(value[0]) is not None


def note_filled(machine: Interpreter, target: Object) -> None:
    """Note what an instance holds that is filled, or built again, after it was built.

    Picklers write items before the state (CPython, Lib/pickle.py, `save_reduce`): a class that is
    filled behind it works with what the file says of its insides.
    """
    if machine.opcode != "BUILD" and target.state is not None:
        machine.anomaly("items of an instance behind its state")
    for held in (target.args, target.kwargs, target.state, *(target.earlier or ())):
        if held is not None:
            hand_on_all(machine, held, target, machine.opcode)


def note_items(machine: Interpreter, target: Object, pairs: Pairs) -> None:
    """Note what items plant: many mappings read their attributes from them."""
    for key, value in pairs:
        name = _text(key)
        _check_interface(machine, name)
        if name in UNPICKLED or (name is None and isinstance(key, (Object, Nested))):
            hand_on_all(machine, value, target, name or "…")


def note_arguments(
    machine: Interpreter, function: Global, args: Value, kwargs: Value = None
) -> None:
    """Note what is given to a function: it may call methods of it, unless it is known not to."""
    pair = function.canonical
    if pair in _KEEPING or function.module.startswith(_WRITES_FUNCTIONS):
        return
    given = list(args) if isinstance(args, tuple) else [args]
    given += [value for _, value in kwargs.pairs] if isinstance(kwargs, Dict) else []
    for arg in given:
        if isinstance(arg, Object) or (isinstance(arg, Global) and pair[1] in _CONVERTING):
            hand_on_all(machine, arg, function, "…")
    pairs = pair[1] in _OF_PAIRS
    for held in instances_in(machine, _keys(given) if pairs else given):
        hand_on_all(machine, held, function, "…")


def note_keys(machine: Interpreter, keys: list[Value]) -> None:
    """Note what the instances among keys hold: hashing them may call it."""
    for held in instances_in(machine, [key for key in keys if machine.depths.calls(key)]):
        hand_on_all(machine, held, held, "…")


def instances_in(machine: Interpreter, values: list[Value]) -> Iterator[Object]:
    """The instances in values, and in whatever they are the elements of."""
    pending = list(values)
    seen: set[int] = set()
    while pending:
        value = pending.pop()
        if isinstance(value, Object):
            yield value
        elif isinstance(value, (list, tuple, Dict, Set)) and id(value) not in seen:
            seen.add(id(value))
            parts = list(parts_of(value))
            parts += [key for key, _ in value.pairs] if isinstance(value, Dict) else []
            machine.budget.spend_opcodes(len(parts) + 1)
            pending += parts


def _keys(given: list[Value]) -> list[Value]:
    """What a mapping that is made of pairs calls something of: each pair, and its key."""
    pairs = [pair for arg in given if isinstance(arg, (list, tuple)) for pair in arg]
    keys = [pair[0] for pair in pairs if isinstance(pair, (list, tuple)) and pair]
    return keys + [pair for pair in pairs if isinstance(pair, Object)]


_OF_PAIRS = frozenset({"Counter", "OrderedDict", "defaultdict", "dict"})
_CONVERTING = frozenset(
    {
        "Buffer",
        "Counter",
        "OrderedDict",
        "Parameter",
        "_rebuild_device_tensor_from_cpu_tensor",
        "_rebuild_device_tensor_from_numpy",
        "_rebuild_parameter",
        "_rebuild_parameter_with_state",
        "deque",
        "dict",
        "frozenset",
        "list",
        "set",
        "str",
        "tuple",
    }
)
"""Functions that call something of a class or a module that they are given."""


def hand_on(machine: Interpreter, value: Value, target: Value, name: str) -> None:
    """Note that a value, where it can be called, is handed on to whoever looks `name` up."""
    for function in callees(machine, value):
        machine.note_use(function, "handed-on", lambda: render_attribute(target, name, value))


def is_called(target: Value, name: str) -> bool:
    """Whether loading may call an attribute of this name that a file sets on an instance."""
    if name.startswith("__") and name.endswith("__"):
        return name not in _HARMLESS
    own = isinstance(target, Object) and isinstance(target.function, Global)
    package = target.function.module.partition(".")[0] if own else ""
    table = _STANDARD if package in sys.stdlib_module_names else package
    if name in ALWAYS_CALLED or name in _methods().get(table, ()):
        return True
    if isinstance(target, Dict):
        return name in _methods()[_STANDARD] or name == "default_factory"
    return own and target.function.canonical in _BAGS and name in _of_values()


@cache
def _of_values() -> frozenset[str]:
    """Methods of what listed classes keep and call: arrays, tensors, modules, containers."""
    return frozenset().union(*(_methods()[table] for table in ("values", _STANDARD)))


@cache
def _methods() -> dict[str, frozenset[str]]:
    """By package, methods of the listed classes: what stands in the place of one may be called."""
    text = resources.files(__package__).joinpath("methods.toml").read_text(encoding="ascii")
    return {package: frozenset(names.split()) for package, names in tomllib.loads(text).items()}


def _check_interface(machine: Interpreter, name: str | None) -> None:
    if name is not None and name.startswith(_INTERFACES):
        machine.hazard("raw-objects", f"an instance with a {name} of the file's own")


def _note_attributes(machine: Interpreter, target: Value, state: Dict, depth: int = 0) -> None:
    machine.budget.spend_opcodes(len(state.pairs))
    optimiser = depth == 0 and _is_optimiser(target)
    for key, value in state.pairs:
        name = _text(key)
        _check_interface(machine, name)
        computed = name is None and isinstance(key, (Object, Nested))
        nested = name is not None and (
            name in UNPICKLED or (depth == 0 and is_called(target, name))
        )
        if nested or computed or optimiser:
            hand_on_all(machine, value, target, name or "…")
        if isinstance(value, Dict) and depth < _NESTED:
            _note_attributes(machine, target, value, depth + 1)


def hand_on_all(machine: Interpreter, value: Value, target: Value, name: str) -> None:
    """Note every global in a value as handed on to whoever looks `name` up."""
    for function in callables_in(machine, value):
        machine.note_use(function, "handed-on", lambda: render_attribute(target, name, value))


def _reads_tuples(target: Value) -> bool:
    """Whether an instance's class reads its state as a tuple of its own."""
    if not isinstance(target, Object) or not isinstance(target.function, Global):
        return False
    pair = target.function.canonical
    return pair == PARTIAL or pair[0].partition(".")[0] == "numpy"


def _is_optimiser(target: Value) -> bool:
    """Whether an instance is an optimiser, whose `__setstate__` calls much of what it holds."""
    if not isinstance(target, Object) or not isinstance(target.function, Global):
        return False
    module = target.function.module
    return module.startswith(_OPTIMISERS) and not module.startswith(_SCHEDULES)


def _parts(state: Value) -> tuple[Value, ...]:
    """What a state sets: a pair holds attributes and slots, other tuples an own order."""
    return state if isinstance(state, tuple) else (state,)


def _text(key: Value) -> str | None:
    if isinstance(key, Blob):
        return bytes(key.view[:100]).decode("utf-8", "replace")
    return key if isinstance(key, str) else None


def note_changed(machine: Interpreter, target: Value) -> None:
    """Note that a global is filled, or what else the whole process shares."""
    if isinstance(target, Global) or (isinstance(target, Object) and _is_shared(target)):
        what = f"{render(target)} is filled by {machine.opcode}"
        machine.note_use(target, "called", lambda: what)


def _is_shared(value: Object) -> bool:
    """Whether a call gave what others have too: an attribute, a logger, an enumeration's member."""
    if not isinstance(value.function, Global):
        return False
    if value.function.canonical in _SHARED:
        return True
    if not value.called:
        return False
    args = value.args if isinstance(value.args, tuple) else ()
    member = bool(args) and all(isinstance(arg, _MEMBERS) for arg in args) and not value.kwargs
    own = value.function.canonical[0].partition(".")[0] in _MAKING
    return member and not own
