"""What a configuration says of one module."""

from __future__ import annotations

from msgspec.structs import replace

from modlint.analysis.patterns import matches
from modlint.analysis.quantisation.settings import Settings


def settings_for(settings: Settings, module: str) -> Settings:
    """What is said of one module: of its own group, else of all."""
    if not settings.groups:
        return settings
    if settings.method == "compressed-tensors":
        return _compressed_tensors(settings, module)
    for names, own in settings.groups:
        if any(module == name or matches(name, module) for name in names):
            return _merged(settings, own)
    return settings


def _compressed_tensors(settings: Settings, module: str) -> Settings:
    """The first group whose targets name the module; "Linear" names every one."""
    if len(settings.groups) == 1:
        return _merged(settings, settings.groups[0][1])
    classes = None
    for names, own in settings.groups:
        for name in names:
            if name == module or (name.startswith("re:") and matches(name[3:], module)):
                return _merged(settings, own)
            if classes is None and name == "Linear":
                classes = own
    return settings if classes is None else _merged(settings, classes)


def _merged(settings: Settings, own: Settings) -> Settings:
    if settings.method not in ("compressed-tensors", "mlx"):
        return replace(own, method=settings.method, source=settings.source, groups=())
    return replace(own, method=settings.method, source=settings.source, left=settings.left)
