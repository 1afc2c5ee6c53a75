"""Which tensors of a checkpoint make quantised weights together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from modlint.analysis.quantisation.of_module import settings_for
from modlint.analysis.quantisation.scheme import Group, Scheme
from modlint.analysis.quantisation.schemes import SCHEMES
from modlint.analysis.quantisation.settings import Settings
from modlint.checkpoint import Role, Tensor

Found = tuple[Scheme, Group]

_NESTED = (".absmax", ".quant_map", "_scale", "_scales", ".scale", ".SCB", "_scale_inv")
"""Ends of names of what is beside codes and never codes itself."""


def find(
    tensors: Mapping[str, Tensor], settings: Settings, metadata: Mapping[str, object]
) -> list[Found]:
    """Quantised weights, complete ones and those that lack a part.

    A tensor is taken for codes where what tells its scheme stands beside it, or where only a scheme
    that the configuration names, or that others of the file follow, has such a tensor.

    Args:
        tensors: all of the file.
        settings: what is said of them.
        metadata: what the file says beside them.
    """
    ends = _ends(tensors)
    found: dict[str, Found] = {}
    for scheme in SCHEMES:
        for name, group in _groups(scheme, tensors, ends, settings, metadata):
            told = not scheme.told_by or any(role in group.parts for role in scheme.told_by)
            if name not in found and told and fits_method(scheme, group, settings):
                found[name] = scheme, group
    followed = {scheme.name for scheme, _ in found.values()}
    for scheme in SCHEMES:
        if not _may_lack(scheme, settings, followed):
            continue
        for name, group in _groups(scheme, tensors, ends, settings, metadata):
            if name not in found and _is_code_like(group.parts["codes"]):
                found[name] = scheme, group
    return list(found.values())


def fits_method(scheme: Scheme, group: Group, settings: Settings) -> bool:
    """Whether names that two schemes share mean this one here."""
    if scheme.codes == ".qweight":
        return (scheme.name == "AWQ") is _is_awq(group, settings)
    return True


def _is_awq(group: Group, settings: Settings) -> bool:
    """AWQ packs columns, GPTQ rows: told by the method, else by the shapes."""
    if settings.method in ("awq", "gptq"):
        return settings.method == "awq"
    if "group_index" in group.parts or "scale" not in group.parts:
        return False
    codes, scale = group.shape("codes"), group.shape("scale")
    return len(codes) == len(scale) == 2 and codes[1] * 8 == scale[1]


def _may_lack(scheme: Scheme, settings: Settings, followed: set[str]) -> bool:
    """Whether codes without anything beside them may be of the scheme."""
    if not scheme.told_by or not scheme.codes:
        return False
    return scheme.name in followed or (settings.weights and settings.method in scheme.methods)


def _is_code_like(tensor: Tensor) -> bool:
    """Whether a tensor without scales can hardly be anything but codes."""
    if tensor.dtype.kind == "float" and tensor.dtype.bits > 8:
        return False
    return len(tensor.shape) >= 2 and tensor.elements >= 32


def _ends(tensors: Mapping[str, Tensor]) -> dict[str, list[str]]:
    """By end of a name, the names of the tensors that have it."""
    ends: dict[str, list[str]] = {}
    wanted = {scheme.codes for scheme in SCHEMES}
    for name, tensor in tensors.items():
        if tensor.role is not Role.WEIGHT:
            continue
        for end in wanted:
            if name.endswith(end) or name == end[1:]:
                ends.setdefault(end, []).append(name)
    return ends


def _groups(
    scheme: Scheme,
    tensors: Mapping[str, Tensor],
    ends: Mapping[str, list[str]],
    settings: Settings,
    metadata: Mapping[str, object],
) -> Iterator[tuple[str, Group]]:
    """Each tensor that may be codes of a scheme, with what stands beside it."""
    for name in ends.get(scheme.codes, ()):
        codes = tensors[name]
        if codes.dtype.name not in scheme.types or (not scheme.codes and name.endswith(_NESTED)):
            continue
        stem = name[: len(name) - len(scheme.codes)] if name.endswith(scheme.codes) else ""
        parts = {"codes": codes}
        for role, alternatives in scheme.parts.items():
            for end in alternatives:
                beside = tensors.get(stem + end if stem else end.lstrip("."))
                if beside is not None and beside is not codes:
                    parts.setdefault(role, beside)
        yield name, Group(stem, parts, settings_for(settings, module_of(stem, codes)), metadata)


def module_of(stem: str, codes: Tensor) -> str:
    """The module's name as configurations spell it, without the section that holds it."""
    section = codes.section
    return stem[len(section) + 1 :] if section and stem.startswith(f"{section}.") else stem
