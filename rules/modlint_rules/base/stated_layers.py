"""How many layers a model's configuration says that each stack in the file has."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from modlint.results.layers import LayerStack
from modlint.results.model_config import ModelConfig
from modlint_rules.base.config_sections import section_of, words_of

_GENERAL = ("num_hidden_layers", "n_layer", "n_layers", "num_layers")
_OF_VISION = "depth"
_OF_HALVES = {
    "encoder": ("encoder_layers", "num_encoder_layers"),
    "decoder": ("decoder_layers", "num_decoder_layers"),
}
_PARTS = ("experts", "resblocks")
_KEYS = (*_GENERAL, _OF_VISION, *_OF_HALVES["encoder"], *_OF_HALVES["decoder"])
_OTHERWISE = frozenset(
    {
        "bridgetower",
        "canine",
        "clap",
        "dory",
        "efficientnet",
        "fastspeech2_conformer",
        "fastspeech2_conformer_with_hifigan",
        "funnel",
        "grounding-dino",
        "hrm_text",
        "lxmert",
        "mm-grounding-dino",
        "sam3_video",
        "vits",
    }
)
"""Model types whose number of layers is of something else than of modules."""


class StatedStack(Struct, frozen=True):
    """A stack of layers, with what the configuration says of it.

    Attributes:
        stack: the layers in the file.
        key: what the configuration calls their number ("text_config.num_hidden_layers").
        number: how many it says there are.
    """

    stack: LayerStack
    key: str
    number: int


def stated_stacks(config: ModelConfig, stacks: tuple[LayerStack, ...]) -> Iterator[StatedStack]:
    """Each number of layers that is stated, with the largest stack that it is said of."""
    if config.model_type in _OTHERWISE:
        return
    largest: dict[str, StatedStack] = {}
    for stack in stacks:
        stated = _stated(config, stack) if _is_main(stack) else None
        if stated is not None:
            other = largest.get(stated.key)
            if other is None or len(other.stack.members) < len(stack.members):
                largest[stated.key] = stated
    yield from largest.values()


def _is_main(stack: LayerStack) -> bool:
    """Whether they are what a configuration calls the layers of a model, hybrid ones too."""
    sizes = map(len, stack.members.values())
    return stack.outer and not stack.name.endswith(_PARTS) and bool(stack.common) and max(sizes) > 5


def _stated(config: ModelConfig, stack: LayerStack) -> StatedStack | None:
    parts = stack.name.split(".")
    words = words_of(parts)
    section = section_of(config, parts, _KEYS)
    if section is None:
        return None
    of_halves = [k for keys in _OF_HALVES.values() for k, _ in section.sizes(*keys)]
    half = next((half for half in ("decoder", "encoder") if half in words), None)
    keys = [*section.sizes(*_OF_HALVES[half])] if half else []
    if not keys and (not of_halves or of_halves == ["num_decoder_layers"]):
        depth = (_OF_VISION,) if "vision" in words_of(section.path) else ()
        keys = [*section.sizes(*_GENERAL, *depth)]
    if len({number for _, number in keys}) != 1:
        return None
    return StatedStack(stack, section.called(keys[0][0]), keys[0][1])
