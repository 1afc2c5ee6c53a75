"""One ATen call after another, followed by a tracer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from modlint_plugins.networks.aten.arguments import Arguments, Tensorlike, tensors_in
from modlint_plugins.networks.aten.care import care_of
from modlint_plugins.networks.aten.standing import moved_fixed
from modlint_plugins.networks.aten.values import (
    MAX_ELEMENTS,
    MAX_VIEWED,
    Fixed,
    Lost,
    Names,
    Shape,
    UnfollowedError,
    Value,
    computed,
)
from modlint_plugins.networks.flow.labels import uniform
from modlint_plugins.networks.flow.traced import Traced
from modlint_plugins.networks.flow.tracer import Tracer

Handler = Callable[["Walk", Arguments], Value]
SURPRISES = (
    ValueError,
    IndexError,
    TypeError,
    KeyError,
    OverflowError,
    MemoryError,
    AttributeError,
)
"""What numpy and Python raise where a file's numbers contradict one another."""
_MAX_CALLS = 200_000


@dataclass
class Walk:
    """What has been followed so far.

    Attributes:
        names: the file's tensors.
        operations: what each operation does, by name.
        tracer: notes it.
        missed: weights of layers that were met but not followed, and why.
        contradictions: calls that sizes contradict.
        mismatch: how many channels a layer was given, and how many it reads, the first time.
        views: by identity what only moves elements of one tensor: it, that tensor and the move.
        lead: number of examples that a reshape wants which did not fit, the first time.
    """

    names: Names
    operations: Mapping[str, tuple[Handler, Sequence[str]]]
    tracer: Tracer = field(default_factory=Tracer)
    missed: dict[str, str] = field(default_factory=dict)
    contradictions: int = 0
    mismatch: tuple[int, int] | None = None
    lead: int | None = None
    views: dict[int, tuple[Value, Value, Callable[[Any], Any]]] = field(default_factory=dict)
    _calls: int = 0

    def call(
        self,
        op: str,
        positional: Sequence[Value],
        named: dict[str, Value],
        shapes: Sequence[Shape | None] | None = None,
    ) -> Value:
        """What a call gives; where it is not followed, tensors of `shapes` or a `Lost`."""
        self._calls += 1
        handler, order = (
            self.operations.get(op) or self.operations.get(op.rstrip("_")) or (None, ())
        )
        arguments = Arguments(op, positional, named, order)
        try:
            if self._calls > _MAX_CALLS:
                raise UnfollowedError(f"more than {_MAX_CALLS:,} operations")
            if handler is None:
                return self._unknown(arguments, shapes)
            since = self.tracer.position
            result = handler(self, arguments)
            self.tracer.noted(since, result, care_of(arguments))
        except UnfollowedError as error:
            return self._stopped(str(error), arguments, shapes)
        except SURPRISES as error:
            self.contradictions += 1
            self._note_lead(arguments)
            reason = f"{op}: {type(error).__name__}: {str(error)[:100]}"
            return self._stopped(reason, arguments, shapes)
        return self._checked(self._fresh(result, arguments), arguments, shapes)

    def run(self, op: str, *positional: Value, **named: Value) -> Value:
        """What another operation gives, within a handler.

        Raises:
            UnfollowedError: it is not followed.
        """
        handler, order = self.operations[op]
        return handler(self, Arguments(op, positional, named, order))

    # -- what handlers share

    def traced(self, x: Tensorlike) -> Traced:
        """A tensor with labels; what depends on no input has none."""
        if isinstance(x, Traced):
            return x
        return Traced(x.shape, uniform(0, x.rank))

    def _note_lead(self, arguments: Arguments) -> None:
        """Note the sizes that a reshape wants where they do not fit."""
        if arguments.op not in ("view", "reshape") or len(arguments.all) < 2:
            return
        x, size = arguments.all[:2]
        if not isinstance(x, Traced) or not isinstance(size, (list, tuple)) or not size:
            return
        numbers = [n for n in size if type(n) is int and n > 0]
        if self.lead is None and size[0] in numbers and size[0] <= 64:
            self.lead = size[0]
        if self.mismatch is None and len(numbers) == len(size):
            self.mismatch = (int(np.prod(x.shape)), int(np.prod(numbers)))

    def refuse(self, have: int, want: int) -> None:
        """Note that a layer reads another number of channels.

        Raises:
            UnfollowedError: always.
        """
        self.contradictions += 1
        self.mismatch = self.mismatch or (have, want)
        raise UnfollowedError(f"reads {have} channels through {want} columns")

    def move(self, name: str, function: Callable[..., Any], *moved: Tensorlike) -> Value:
        """What a function that only moves elements makes of tensors; a list where it gives one."""
        most = MAX_VIEWED if all(map(_is_view, moved)) else MAX_ELEMENTS
        if sum(map(_weight, moved)) > most:
            raise UnfollowedError(f"{name} of more than {most:,} elements")
        if all(isinstance(x, Fixed) for x in moved):
            found = moved_fixed(function, moved)  # type: ignore[arg-type]
        else:
            found = self._moved_traced(name, function, moved)
        if len(moved) == 1 and not isinstance(found, list):
            self.views[id(found)] = (found, moved[0], function)
        return found

    def _moved_traced(self, name: str, function: Callable[..., Any], moved: Sequence[Any]) -> Value:
        several: list[bool] = []

        def listed(*labels: Any) -> Any:
            out = function(*labels)
            several.append(not isinstance(out, np.ndarray))
            return out

        found = self.tracer.move(name, listed, *(self.traced(x) for x in moved))
        return found if several[0] else found[0]

    # -- calls that are not followed

    def _unknown(self, arguments: Arguments, shapes: Sequence[Shape | None] | None) -> Value:
        found = tensors_in(arguments.all)
        if shapes is not None and not any(isinstance(x, (Traced, Lost)) for x in found):
            fixed = tuple(x for x in found if isinstance(x, Fixed))
            return _packed([None if s is None else computed(s, fixed) for s in shapes])
        raise UnfollowedError(f"operation {arguments.op} is not known")

    def _stopped(
        self, reason: str, arguments: Arguments, shapes: Sequence[Shape | None] | None
    ) -> Value:
        found = tensors_in(arguments.all)
        read = [x for x in found if isinstance(x, Traced)]
        for x in found:
            if isinstance(x, Fixed) and x.rank > 1 and arguments.op in LAYERS:
                for name in x.owners[:1]:
                    self.missed.setdefault(name, reason)
        if shapes is None:
            self.tracer.stopped((), reason, *read)
            return Lost(reason)
        return _packed(
            [None if s is None else self.tracer.stopped(s, reason, *read) for s in shapes]
        )

    def _checked(
        self, result: Value, arguments: Arguments, shapes: Sequence[Shape | None] | None
    ) -> Value:
        """The result, unless the file states another shape."""
        if shapes is None:
            return result
        parts = result if isinstance(result, (list, tuple)) else [result]
        for part, shape in zip(parts, shapes, strict=False):
            if isinstance(part, (Traced, Fixed)) and shape is not None and part.shape != shape:
                self.contradictions += 1
                reason = f"{arguments.op} makes {part.shape}, the file says {shape}"
                return self._stopped(reason, arguments, shapes)
        return result

    def _fresh(self, result: Value, arguments: Arguments) -> Value:
        """A result that is an argument as an object of its own: writing into one is seen apart."""
        if isinstance(result, (Traced, Fixed)) and any(result is x for x in arguments.all):
            return result if arguments.op in ALIASES else replace(result)
        return result


def _weight(x: Tensorlike) -> int:
    """Elements that moving a tensor may write; one whose labels all agree is moved as a view."""
    alike = isinstance(x, Traced) and x.labels.size == 1
    return 0 if alike else int(np.prod(x.shape, dtype=object))


def _is_view(x: Tensorlike) -> bool:
    return isinstance(x, Fixed) and x.view is not None and x.value is None


def _packed(parts: Sequence[Value]) -> Value:
    return parts[0] if len(parts) == 1 else list(parts)


ALIASES = frozenset(
    {"contiguous", "detach", "alias", "dropout", "to", "lift_fresh_copy", "identity"}
)
LAYERS = frozenset(
    {"linear", "matmul", "mm", "bmm", "mv", "addmm", "addmv", "baddbmm", "einsum", "tensordot"}
    | {"embedding", "embedding_bag", "convolution", "_convolution", "bilinear", "lstm", "gru"}
    | {f"conv{n}d" for n in (1, 2, 3)}
    | {f"conv_transpose{n}d" for n in (1, 2, 3)}
    | {"rnn_tanh", "rnn_relu", "lstm_cell", "gru_cell", "rnn_tanh_cell", "rnn_relu_cell"}
    | {"_native_multi_head_attention", "_transformer_encoder_layer_fwd"}
)
"""Operations whose fixed matrices are layers."""
