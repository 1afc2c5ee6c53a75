"""The arguments of a call by the names that ATen's schemas give them."""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modlint_plugins.networks.aten.values import Fixed, Lost, UnfollowedError, Value, number
from modlint_plugins.networks.flow.traced import Traced

Tensorlike = Traced | Fixed
_MISSING = object()


@dataclass(frozen=True)
class Arguments:
    """Arguments of one call.

    Attributes:
        op: the operation's name, without namespace and overload ("conv2d").
        positional: those without a name, in order.
        named: those with a name.
        order: names of the operation's parameters, in order.
    """

    op: str
    positional: Sequence[Value]
    named: Mapping[str, Value]
    order: Sequence[str] = ()

    @property
    def first(self) -> Value:
        """The first argument."""
        if self.positional:
            return self.positional[0]
        if self.named:
            return next(iter(self.named.values()))
        raise UnfollowedError(f"{self.op} without arguments")

    def get(self, name: str, default: Any = _MISSING) -> Value:
        """An argument by name; None where it is given as None."""
        if name in self.named:
            return self.named[name]
        place = self.order.index(name) if name in self.order else len(self.positional)
        if place < len(self.positional):
            return self.positional[place]
        if default is _MISSING:
            raise UnfollowedError(f"{self.op} without argument {name!r}")
        return default

    def tensor(self, name: str) -> Tensorlike:
        """A tensor; a number is one without axes."""
        return as_tensor(self.get(name), self.op)

    def optional(self, name: str) -> Tensorlike | None:
        """A tensor, or None."""
        value = self.get(name, None)
        return None if value is None else as_tensor(value, self.op)

    def int(self, name: str, default: Any = _MISSING) -> int:
        """A whole number."""
        value = self.get(name, default)
        return default if value is None and default is not _MISSING else as_int(value, self.op)

    def ints(self, name: str, default: Any = _MISSING) -> tuple[builtins.int, ...]:
        """Whole numbers; one alone is a list of one."""
        value = self.get(name, default)
        if value is None:
            return ()
        listed = value if isinstance(value, (list, tuple)) else (value,)
        return tuple(as_int(item, self.op) for item in listed)

    def number(self, name: str, default: float) -> float:
        """A number."""
        value = plain(self.get(name, default))
        return float(value) if isinstance(value, (int, float)) else default

    def flag(self, name: str, default: bool = False) -> bool:
        """A truth value."""
        value = plain(self.get(name, default))
        return bool(value) if isinstance(value, (bool, int)) else default

    @property
    def all(self) -> tuple[Value, ...]:
        """Every argument, in order."""
        return (*self.positional, *self.named.values())


def as_tensor(value: Value, op: str) -> Tensorlike:
    """A tensor of a value.

    Raises:
        UnfollowedError: it is none, or was not followed.
    """
    if isinstance(value, (Traced, Fixed)):
        return value
    if isinstance(value, (bool, int, float, complex)):
        return number(value)
    if isinstance(value, Lost):
        raise UnfollowedError(value.reason)
    raise UnfollowedError(f"{op} of what is no tensor")


def as_int(value: Value, op: str) -> int:
    """A whole number of a value.

    Raises:
        UnfollowedError: it is none that is known.
    """
    value = plain(value)
    if isinstance(value, (bool, int)):
        return int(value)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, Lost):
        raise UnfollowedError(value.reason)
    raise UnfollowedError(f"{op} with a number that depends on the input")


def plain(value: Value) -> Value:
    """The number that a tensor without axes holds, where it is known; else the value itself."""
    if isinstance(value, Fixed) and value.value is not None and value.size == 1:
        return value.value.item()
    return value


def tensors_in(values: Value) -> list[Tensorlike | Lost]:
    """Every tensor among values and the lists in them."""
    if isinstance(values, (Traced, Fixed, Lost)):
        return [values]
    if isinstance(values, (list, tuple)):
        return [x for value in values for x in tensors_in(value)]
    if isinstance(values, dict):
        return tensors_in(list(values.values()))
    return []
