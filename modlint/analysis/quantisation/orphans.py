"""Scales and the like whose codes are missing, or are no codes."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from modlint.analysis.quantisation.scheme import Scheme
from modlint.analysis.quantisation.schemes import SCHEMES
from modlint.analysis.quantisation.settings import Settings
from modlint.checkpoint import Role, Tensor
from modlint.results.quantisation import Breach

_ORDINARY = frozenset({".scale", ".scales", ".scale_inv", "_scales", "_scale", ".zero", ".biases"})
"""Ends of names that tensors have which scale no codes."""
_WHY = "loaders prepare a quantised layer for it, or refuse a tensor that they do not know"


def orphans_of(
    tensors: Mapping[str, Tensor], settings: Settings, parts: Collection[str], followed: set[str]
) -> Iterator[Breach]:
    """Each tensor that stands beside codes by its name, and has none beside it.

    Args:
        tensors: all of the file.
        settings: what is said of them.
        parts: names of the tensors that belong to quantised weights.
        followed: names of the schemes of the weights that were found.
    """
    promised = settings.weights and bool(settings.method)
    if not followed and not promised:
        return
    told = set()
    for scheme in SCHEMES:
        own = scheme.name in followed or (promised and settings.method in scheme.methods)
        for end in sorted({end for role in scheme.lone for end in scheme.parts.get(role, ())}):
            if end in _ORDINARY and not own:
                continue
            if end in _ORDINARY and scheme.codes == ".weight":
                continue
            for name in _named(tensors, end):
                if name not in parts and name not in told:
                    told.add(name)
                    yield _orphan(scheme, name, name[: len(name) - len(end)], tensors)


def _named(tensors: Mapping[str, Tensor], end: str) -> Iterator[str]:
    for name, tensor in tensors.items():
        if name.endswith(end) and tensor.role is Role.WEIGHT:
            yield name


def _orphan(scheme: Scheme, name: str, stem: str, tensors: Mapping[str, Tensor]) -> Breach:
    weight = tensors.get(f"{stem}.weight")
    if weight is not None:
        found = f"it scales {weight.name}, which is {weight.dtype.name}: those are no codes"
    else:
        found = f"there is no {stem}{scheme.codes} that it belongs to"
    return Breach("orphaned-scale", name, found, _WHY)
