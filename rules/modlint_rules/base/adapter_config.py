"""What adapter_config.json says of an adapter."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

from modlint.analysis.beside import Document
from modlint.analysis.patterns import matches
from modlint.errors import Unavailable

CONFIG = Document("adapter_config.json")

_OTHER_SHAPES = ("use_bdlora", "kasa_config", "monteclora_config", "velora_config", "arrow_config")
"""Variants whose factors need not have the rank that the configuration states."""
_ALL_LINEAR = "all-linear"
_MAX_SECONDS = 5.0
"""Time that matching the names of one file may take."""
_LAYER = re.compile(r"(?<=\.)\d{1,6}(?=\.)")


class AdapterConfig:
    """A configuration by PEFT, or by MLX; every value in it may be of any type."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self._until = time.monotonic() + _MAX_SECONDS

    @property
    def kind(self) -> str:
        """The method by its name in PEFT ("LORA"), "" where none is stated."""
        kind = self._document.get("peft_type")
        return kind.upper() if isinstance(kind, str) else ""

    @property
    def is_lora(self) -> bool:
        """Whether the factors are plain ones, of the rank that is stated."""
        return self.kind in ("", "LORA")

    @property
    def is_dora(self) -> bool:
        """Whether magnitude vectors are read."""
        return self._document.get("use_dora") is True

    @property
    def scales_to_zero(self) -> bool:
        """Whether the scale of every factor is 0."""
        alpha, each = self._document.get("lora_alpha"), self._document.get("alpha_pattern")
        return not isinstance(alpha, bool) and alpha in (0, 0.0) and not each

    @property
    def saved_whole(self) -> tuple[str, ...]:
        """Names of the modules that are trained and saved as a whole."""
        return _texts(self._document.get("modules_to_save"))

    @property
    def trains_biases(self) -> bool:
        """Whether biases of the base layers are trained, and saved with the factors."""
        return self._document.get("bias") in ("all", "lora_only")

    @property
    def targets(self) -> tuple[str, ...] | str | None:
        """Names of the modules to adapt, one expression, or None where nothing is said of them."""
        targets = self._document.get("target_modules")
        if isinstance(targets, str):
            return None if targets == _ALL_LINEAR else targets
        return _texts(targets) or None

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names of the parameters to adapt that are no module's weight, as those of experts."""
        return _texts(self._document.get("target_parameters"))

    @property
    def chooses_layers(self) -> bool:
        """Whether only some layers are adapted."""
        chosen = ("layers_to_transform", "exclude_modules")
        return any(self._document.get(key) not in (None, []) for key in chosen)

    def rank(self, module: str) -> int | None:
        """The rank that a module's factors must have, None where nothing is said of it.

        Raises:
            Unavailable: a pattern cannot be matched.
        """
        if any(self._document.get(name) for name in _OTHER_SHAPES):
            return None
        patterns = self._document.get("rank_pattern")
        for pattern, rank in (patterns if isinstance(patterns, Mapping) else {}).items():
            # PEFT: the whole path, or its end from a dot on; the first that matches holds
            if module == pattern or self._matches(rf"(.*\.)?({pattern})", module):
                return _whole(rank)
        of_mlx = self._document.get("lora_parameters")
        stated = of_mlx.get("rank") if isinstance(of_mlx, Mapping) else None
        return _whole(self._document.get("r", stated))

    def is_target(self, module: str) -> bool:
        """Whether a module is to be adapted.

        Raises:
            Unavailable: the pattern cannot be matched.
        """
        targets = self.targets
        if targets is None or self.adapts_parameter(module):
            return True
        if isinstance(targets, str):
            return self._matches(targets, module)
        if module in targets:
            return True
        return self._is_chosen(module) and any(is_part(module, target) for target in targets)

    def _is_chosen(self, module: str) -> bool:
        """Whether its layer is one of `layers_to_transform`; any number in its path may be it."""
        chosen = self._document.get("layers_to_transform")
        numbers = chosen if isinstance(chosen, list) else [chosen]
        if not numbers or not all(map(_is_number, numbers)):
            return True
        layers = _LAYER.findall(module)
        return not layers or any(int(layer) in numbers for layer in layers)

    def _matches(self, pattern: str, module: str) -> bool:
        found = matches(pattern, module, whole=True)
        if found is None:
            shown = pattern if len(pattern) <= 80 else f"{pattern[:80]}…"
            raise Unavailable(f"the pattern {shown!r} is no regular expression that is matched")
        if time.monotonic() > self._until:
            raise Unavailable(f"matching its patterns takes more than {_MAX_SECONDS:g} seconds")
        return found

    def adapts_parameter(self, module: str) -> bool:
        """Whether a module holds a parameter that is to be adapted."""
        bare = module.removesuffix(".base_layer")
        return any(is_part(bare, name.rpartition(".")[0]) for name in self.parameters)


def is_part(module: str, name: str) -> bool:
    """Whether a module's path is a name, or ends in it."""
    return module == name or module.endswith(f".{name}")


def _texts(value: object) -> tuple[str, ...]:
    sequence = value if isinstance(value, Sequence) and not isinstance(value, str) else ()
    return tuple(item for item in sequence if isinstance(item, str))


def _is_number(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None
