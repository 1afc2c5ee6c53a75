"""Functions of torch that the code calls."""

from __future__ import annotations

from dataclasses import dataclass, field

from modlint_plugins.networks.aten.arguments import tensors_in
from modlint_plugins.networks.aten.values import Fixed, Lost, UnfollowedError, Value
from modlint_plugins.networks.aten.walk import Walk
from modlint_plugins.networks.aten.writing import store
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.torchscript.functions import PLAIN, described, is_description
from modlint_plugins.networks.torchscript.objects import (
    Code,
    Loading,
    ScriptError,
    ScriptObject,
)
from modlint_plugins.networks.torchscript.undecided import (
    NeedsShapeError,
    Shape,
    Undecided,
    proposals,
    undecided_in,
)

Names = dict[str, Value]
_MAX_DEPTH = 60
_MAX_TURNS = 512
_CASTS = ("annotate", "unchecked_cast")
_MOST_BITS = 256
_MOST_ITEMS = 100_000
_PLAIN_ERRORS = (TypeError, ValueError, IndexError, KeyError, AttributeError, ZeroDivisionError)


class RaisedError(Exception):
    """The code raises an exception: it was not meant for inputs of these shapes."""


@dataclass
class Calls:
    """Calls of torch's functions, and what is overwritten by them.

    Attributes:
        usual: shapes of inputs whose first reader does not tell.
        left: statements that may still be followed.
    """

    walk: Walk
    code: Code
    loading: Loading
    usual: list[Shape]
    left: int
    depth: int = 0
    _locals: list[Names] = field(default_factory=list)

    def _torch(self, name: str, given: list[Value], named: Names, path: str = "torch") -> Value:
        """A function of torch, or an operation."""
        if name == "RaiseException":
            raise RaisedError(str(given[:1])[:200])
        undecided = undecided_in([*given, *named.values()])
        if undecided and name not in _ON_LISTS:
            return self._probed(name, given, named, undecided)
        if given and isinstance(given[0], (Traced, Fixed, Lost)):
            found = described(name, given)
            if found is not NotImplemented:
                return found
        if name == "__contains__" and any(isinstance(x, Lost) for x in given):
            return Lost("what a list holds that depends on the input")
        held = bool(given) and isinstance(given[0], (list, tuple, dict, str)) and name in _HELD
        if (
            name in _ON_LISTS
            or held
            or (name in PLAIN and not tensors_in([*given, *named.values()]))
        ):
            return self._plain(name, given, named)
        return self._operation(name, given, named, path)

    def _probed(
        self, name: str, given: list[Value], named: Names, undecided: list[Undecided]
    ) -> Value:
        """An operation on an input without a shape: the first with a weight tells which it has."""
        if name in ("__is__", "__isnot__") and None in given:
            return name == "__isnot__"
        if is_description(name):
            return UNKNOWN_SIZE
        beside = tensors_in([*given, *named.values()])
        if any(isinstance(x, Traced) or (isinstance(x, Fixed) and x.owners) for x in beside):
            shapes = undecided[0].shapes(proposals(name, given, self.usual))
            raise NeedsShapeError(undecided[0].name, shapes)
        return undecided[0].moved(name, given)

    def _plain(self, name: str, given: list[Value], named: Names) -> Value:
        if any(map(_is_large, given)):
            raise ScriptError("a number or a list that grows too large")
        try:
            return PLAIN[name](*given, **named)
        except ScriptError:
            raise
        except _PLAIN_ERRORS as error:
            raise RaisedError(f"{name}: {str(error)[:100]}") from error

    def _operation(self, name: str, given: list[Value], named: Names, path: str) -> Value:
        if path.startswith("ops.") and not path.startswith(("ops.aten.", "ops.prim.")):
            name = path.removeprefix("ops.")
        result = self.walk.call(name, given, named)
        if name.endswith("_") and not name.endswith("__") and given:
            self._overwrite(given[0], result)
        return result

    def _overwrite(self, target: Value, result: Value) -> None:
        """Give every name and attribute of what an operation overwrites its new value."""
        try:
            changed = store(self.walk, target, result)
        except (UnfollowedError, ValueError, IndexError):
            changed = {id(target): result}
        for names in self._locals:
            for name, value in names.items():
                if id(value) in changed:
                    names[name] = changed[id(value)]
            for owner in [x for x in names.values() if isinstance(x, ScriptObject)]:
                for name, value in owner.attributes.items():
                    if id(value) in changed:
                        owner.attributes[name] = changed[id(value)]


_ON_LISTS = frozenset(
    {
        "append",
        "extend",
        "insert",
        "list",
        "dict",
        "_set_item",
        "warn",
        "format",
        "keys",
        "values",
        "items",
        "__contains__",
        "reverse",
        "pop",
        "clear",
        "NumToTensor",
    }
)
_HELD = frozenset({"len", "slice", "copy", "__getitem__", "add", "index"})
UNKNOWN_SIZE = Lost("a size that is not known")


def _is_large(x: Value) -> bool:
    """Whether a value is larger than any that belongs to a network."""
    if isinstance(x, int):
        return x.bit_length() > _MOST_BITS
    return isinstance(x, (list, tuple, str)) and len(x) > _MOST_ITEMS
