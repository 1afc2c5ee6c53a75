"""The exact table of functions that the machine interprets, by (module, name).

`REBUILDS` maps the arguments to an inert value. `DELEGATES` also need the machine: they stand
for a call of something that the file names, or copy what the file holds. A function that is
given anything but what its own pickler writes raises `Refused`, and the call is kept as it is.
Sources: torch 2.13, `_utils.py`, `_tensor.py`, `storage.py`, `jit/_pickle.py`; the `__reduce__`
methods of numpy 1.26 and 2.x; CPython, Lib/copyreg.py.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from modlint_plugins.pickling.handing_on import note_planted
from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.rebuild import native, numpy, python, torch, torchscript
from modlint_plugins.pickling.rebuild.numpy_types import complete
from modlint_plugins.pickling.rebuild.refused import require
from modlint_plugins.pickling.values import (
    Array,
    Composite,
    Dict,
    Global,
    NumpyDType,
    Object,
    TensorRecord,
    Value,
)

_OWN = ("numpy", "torch.optim", "torch.nn.modules")
Pair = tuple[str, str]

REBUILDS: dict[Pair, Callable[..., Value]] = {
    **numpy.REBUILDS,
    **python.REBUILDS,
    **torch.REBUILDS,
}

DELEGATES: dict[Pair, Callable[..., Value]] = {
    **numpy.DELEGATES,
    **python.DELEGATES,
    **torch.DELEGATES,
}


INTERPRETED = REBUILDS.keys() | DELEGATES.keys()


def rebuild(machine: Interpreter, function: Pair, args: Value) -> Value:
    """What stands for an interpreted function's result.

    Raises:
        Refused: the arguments are not those that its pickler writes.
        TypeError: there are too many or too few of them.
    """
    require(isinstance(args, tuple))
    if function in DELEGATES:
        return DELEGATES[function](machine, *args)
    return REBUILDS[function](*args)


def _is_own(target: Value) -> bool:
    """Whether a value is of a class of Python, PyTorch or NumPy that has no list for its state."""
    if not isinstance(target, Object) or not isinstance(target.function, Global):
        return False
    module = target.function.module
    return module.startswith(_OWN) or module.partition(".")[0] in sys.stdlib_module_names


def set_state(machine: Interpreter, target: Value, state: Value) -> None:
    """What BUILD does."""
    if isinstance(state, list) and _is_own(target):
        machine.anomaly("a state that is a list, where a mapping or a tuple is due")
    if isinstance(target, Object):
        if target.state is not None:
            target.earlier = [*(target.earlier or ()), target.state]
        target.state = state
        note_planted(machine, target, state)
        torch.check_state(machine, target)
        numpy.check_masked(machine, target)
        native.check_length(machine, target)
        torchscript.check_packed(machine, target)
    elif isinstance(target, Dict):
        target.state = state
        note_planted(machine, target, state)
    elif isinstance(target, (TensorRecord, Composite)):
        torch.check_tensor_state(machine, state)
    elif isinstance(target, Array):
        numpy.set_array_state(machine, target, state)
    elif isinstance(target, NumpyDType):
        complete(machine, target, state)
