"""A low-rank adapter beside the model that it adapts."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from modlint.analysis.lora import lora_of
from modlint.analysis.matching import elements_of, norm, product_norm
from modlint.checkpoint import Checkpoint, Tensor
from modlint.difference import AdaptedModule, Regression
from modlint.engine.diff.sides import Logical, Side
from modlint.errors import Unavailable, UnreadableError
from modlint.results.model_config import number_of
from modlint.text import count, printable
from modlint.verdict import Severity

_MOST_WORDS = 12
_NAMED = 3

Config = Mapping[str, Any]


class Factors(Struct):
    """The factors of one module: B A is added to its weight."""

    module: str
    down: Tensor | None = None
    up: Tensor | None = None
    alpha: Tensor | None = None


def factors_of(checkpoint: Checkpoint) -> dict[str, Factors]:
    """By module, the factors that a checkpoint holds; none where it is no adapter."""
    tensors = checkpoint.tensors
    found = {
        each.module: Factors(
            each.module,
            *(tensors.get(name or "") for name in (each.down, each.up, each.alpha)),
        )
        for each in lora_of(checkpoint).modules
        if each.layout != "mlx"  # its factors are transposed
    }
    return found if 2 * len(found) >= len(checkpoint.tensors) / 2 else {}


def adapted(factors: Mapping[str, Factors], base: Side, config: Config) -> list[AdaptedModule]:
    """Each module of an adapter beside its weight in the base."""
    targets = Targets(base.tensors)
    return [_module(found, targets.of(found.module), config) for found in factors.values()]


def judged(modules: Sequence[AdaptedModule]) -> Iterator[Regression]:
    """What does not fit between an adapter and its base."""
    wrong = [module for module in modules if module.problem is not None]
    if wrong:
        told = "; ".join(f"{printable(m.module)}: {m.problem}" for m in wrong[:_NAMED])
        more = f" and {len(wrong) - _NAMED:,} more" if len(wrong) > _NAMED else ""
        yield Regression(
            kind="adapter",
            severity=Severity.ERROR,
            message=f"{count(len(wrong), 'module')} of the adapter do not fit: {told}{more}",
            tensors=tuple(module.module for module in wrong),
            help="load it on the base that it was trained on",
        )
    idle = [module for module in modules if module.effect == 0]
    if idle:
        message = f"{count(len(idle), 'module')} of the adapter change nothing: B A is zero"
        yield Regression(
            kind="adapter",
            severity=Severity.WARNING,
            message=message,
            tensors=tuple(module.module for module in idle),
            help="train the adapter, or save it after training",
        )


class _Weight(Protocol):
    @property
    def key(self) -> str: ...

    @property
    def shape(self) -> tuple[int, ...]: ...


W = TypeVar("W", bound=_Weight)


class Targets(Generic[W]):
    """The weights of a base, by the names that adapters call them."""

    def __init__(self, tensors: Iterable[W]) -> None:
        self.known: dict[str, W | None] = {}
        for tensor in tensors:
            if len(tensor.shape) < 2:
                continue
            words = tensor.key.removesuffix(".weight").split(".")
            for start in range(min(len(words), _MOST_WORDS)):
                name = ".".join(words[start:])
                taken = name in self.known and start > 0
                self.known[name] = None if taken else tensor
        flat = ((name.replace(".", "_"), tensor) for name, tensor in self.known.items())
        self.flat = {name: tensor for name, tensor in flat if tensor is not None}

    def of(self, module: str) -> W | None:
        """The weight that a module adapts; None where the base has none, or several."""
        words = module.split(".")
        for start in range(min(len(words), _MOST_WORDS)):
            found = self.known.get(".".join(words[start:]))
            if found is not None:
                return found
        parts = module.replace(".", "_").split("_")
        for start in range(min(len(parts), _MOST_WORDS)):
            found = self.flat.get("_".join(parts[start:]))
            if found is not None:
                return found
        return None


def _module(found: Factors, target: Logical | None, config: Config) -> AdaptedModule:
    scale, rank = scale_of(found, config), found.down.shape[0] if found.down is not None else 0
    problem = _problem(found, target)
    effect = None
    if problem is None and target is not None and found.down and found.up:
        try:
            product = product_norm(elements_of(found.down), elements_of(found.up))
            weight = norm(target.array())
            effect = product * (scale or 1.0) / weight if weight else None
        except (Unavailable, UnreadableError) as error:
            problem = str(error)
    name = target.name if target is not None else None
    return AdaptedModule(
        module=found.module, target=name, rank=rank, scale=scale, effect=effect, problem=problem
    )


def _problem(found: Factors, target: Logical | None) -> str | None:
    """What does not fit, None where all does."""
    if found.down is None or found.up is None:
        return "one of its two factors is missing"
    down, up = found.down.shape, found.up.shape
    if len(down) < 2 or len(up) < 2 or not math.prod((*down, *up)):
        return f"factors of shapes {down} and {up} make no product"
    if down[0] == up[1]:
        width, height = down[1:], up[0]
    elif down[1] == up[0]:  # embeddings: A (r, entries), B (size, r)
        return f"factors of shapes {down} and {up} make no product"
    else:
        return f"ranks differ: {down} and {up}"
    if target is None:
        return "the base has no such weight"
    sizes = (height, math.prod(width))
    shape = (target.shape[0], target.elements // max(target.shape[0], 1))
    if sizes not in (shape, shape[::-1]):
        return f"adapts a weight of {sizes}, the base has {target.shape}"
    return None


def scale_of(found: Factors, config: Config) -> float | None:
    """What the product is multiplied by: alpha / r, or alpha / √r; None where nothing says."""
    rank = found.down.shape[0] if found.down is not None and found.down.shape else 0
    if not rank:
        return None
    if found.alpha is not None and found.alpha.elements == 1:
        try:
            return float(elements_of(found.alpha).reshape(-1)[0]) / rank
        except (Unavailable, UnreadableError):
            return None
    alpha = _matching(config.get("alpha_pattern"), found.module, config.get("lora_alpha"))
    stated = number_of(alpha)
    if stated is None:
        return None
    return stated / (math.sqrt(rank) if config.get("use_rslora") is True else rank)


def _matching(patterns: Any, module: str, default: Any) -> Any:
    """The value of the first pattern that a module's name ends with."""
    if isinstance(patterns, Mapping):
        for pattern, value in patterns.items():
            if module == pattern or module.endswith(f".{pattern}"):
                return value
    return default
