"""States of classes written in C++ and Cython, which believe what they are given.

scikit-learn compiles its trees and distances without checks of bounds: of a shorter state they read
what lies behind it in memory. PyTorch's placements hold no value until their state is set, and
hashing or comparing one before reads what lay there.
Source: scikit-learn 0.18 to 1.9, `neighbors/_binary_tree.pxi.tp`, `metrics/_dist_metrics.pyx.tp`,
`__setstate__`; torch 2.13, `distributed/tensor/placement_types.py`.
"""

from __future__ import annotations

from modlint_plugins.pickling.interpreter import Interpreter
from modlint_plugins.pickling.values import Global, Object, Value

_TREES = ("BallTree", "BinaryTree", "KDTree")
_TREES_OF = {
    "sklearn.neighbors._ball_tree": 13,
    "sklearn.neighbors._kd_tree": 13,
    "sklearn.neighbors.ball_tree": 12,
    "sklearn.neighbors.kd_tree": 12,
}
"""Parts of a tree's state that each version of its module reads."""
_DISTANCES_OF = frozenset(
    {
        "sklearn.metrics._dist_metrics",
        "sklearn.neighbors._dist_metrics",
        "sklearn.neighbors.dist_metrics",
    }
)
_DISTANCE, _DISTANCE_OF_A_FUNCTION = 3, 5
_PLACEMENTS_OF = frozenset(
    {"torch.distributed._tensor.placement_types", "torch.distributed.tensor.placement_types"}
)
_PLACEMENTS = frozenset({"Partial", "Replicate", "Shard", "_StridedShard"})


def check_length(machine: Interpreter, target: Object) -> None:
    """Note a state that is shorter than its class reads."""
    state = target.state
    if not isinstance(target.function, Global) or not isinstance(state, (tuple, list)):
        return
    if len(state) < (due := _parts_read(target)):
        machine.hazard(
            "bad-state", f"a {_name(target)} whose state has {len(state)} of {due} parts"
        )


def is_unset(value: Value) -> bool:
    """Whether an instance holds no value yet, and reads what its memory held before."""
    if not isinstance(value, Object) or value.state is not None or value.called:
        return False
    made_by = value.function
    if not isinstance(made_by, Global) or made_by.module not in _PLACEMENTS_OF:
        return False
    return made_by.name in _PLACEMENTS


def _parts_read(target: Object) -> int:
    module, name = target.function.module, _name(target)
    if module in _TREES_OF and name.startswith(_TREES):
        return _TREES_OF[module]
    if module in _DISTANCES_OF:
        return _DISTANCE_OF_A_FUNCTION if name.startswith("PyFunc") else _DISTANCE
    return 0


def _name(target: Object) -> str:
    """The class's name, or that of the class that scikit-learn's `newObj` is given."""
    args = target.args
    given = args[0] if target.called and isinstance(args, tuple) and args else None
    named = given if isinstance(given, Global) else target.function
    return str(named.name)
