"""What of a config.json is handed to a library: sizes and switches, bounded; nothing that loads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MOST_LAYERS = 256
"""Layers of one part of a model that is exported."""
MOST = 1 << 20
"""Any other number: sizes, vocabularies, positions."""
MOST_VALUES = 10_000
"""Values in a configuration, at all depths."""
_DEEPEST = 6
_LAYERS = ("layer", "depth", "block", "expert")
_REFUSED = (
    *(
        "auto_map",
        "attn_implementation",
        "experts_implementation",
        "use_kernels",
        "custom_pipelines",
    ),
    *(
        "_name_or_path",
        "quantization",
        "compression_config",
        "dtype",
        "torchscript",
        "kernel_config",
    ),
)


class RefusedSettings(Exception):
    """A configuration that is not handed on; the text says why."""


def bounded(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration without what chooses code or files, its numbers bounded.

    Raises:
        RefusedSettings: a number is beyond its bound, or there are too many values.
    """
    left = [MOST_VALUES]
    checked = _checked(config, "", _DEEPEST, left)
    assert isinstance(checked, dict)  # noqa: S101
    return checked


def _checked(value: Any, key: str, depth: int, left: list[int]) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth < 0:
        raise RefusedSettings("config.json holds more than a model needs")
    if isinstance(value, Mapping):
        kept = {k: v for k, v in value.items() if not any(part in k for part in _REFUSED)}
        return {k: _checked(v, k, depth - 1, left) for k, v in kept.items()}
    if isinstance(value, list):
        return [_checked(item, key, depth - 1, left) for item in value]
    if isinstance(value, int | float) and not isinstance(value, bool):
        most = MOST_LAYERS if any(part in key for part in _LAYERS) else MOST
        if abs(value) > most and _is_size(value):
            raise RefusedSettings(f"config.json says {key} = {value:g}, more than {most:,}")
    return value


def _is_size(value: float) -> bool:
    """Whether a number may be one of something; the largest floats stand for infinity."""
    return isinstance(value, int) or value < 1e12
