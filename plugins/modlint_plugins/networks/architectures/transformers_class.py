"""A class of transformers, its example inputs, and what each key of a file is loaded into."""

from __future__ import annotations

import inspect
from typing import Any

import torch
import transformers

_LENGTH = 5


def model_of(config: dict[str, Any]) -> Any:
    """The class that the configuration names, without weights.

    Raises:
        ValueError: transformers has no such class.
    """
    settings = transformers.AutoConfig.for_model(**config)
    settings._attn_implementation = "eager"
    settings.use_cache = False
    stated = config.get("architectures")
    name = stated[0] if isinstance(stated, list) and stated else None
    kind = getattr(transformers, name, None) if isinstance(name, str) else None
    known = isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)
    library: Any = transformers
    model = kind(settings) if known and kind else library.AutoModel.from_config(settings)
    model.config._experts_implementation = "batched_mm"
    return model.eval()


def inputs_of(model: Any) -> dict[str, Any]:
    """Example inputs by name: a few tokens, an image, a sound."""
    accepted = inspect.signature(model.forward).parameters
    found: dict[str, Any] = {}
    ids = torch.ones(1, _LENGTH, dtype=torch.long)
    if model.main_input_name in ("input_ids",) or "input_ids" in accepted:
        found["input_ids"] = ids
    if "pixel_values" in accepted:
        found["pixel_values"] = torch.ones(1, *_image(model.config))
    if "input_values" in accepted:
        found["input_values"] = torch.ones(1, 16_000)
    if "input_features" in accepted:
        bins = getattr(model.config, "num_mel_bins", 80)
        frames = 2 * getattr(model.config, "max_source_positions", 50)
        found["input_features"] = torch.ones(1, bins, frames)
    if getattr(model.config, "is_encoder_decoder", False):
        found["decoder_input_ids"] = ids
    if "input_features" in found or "input_values" in found:
        found.pop("input_ids", None)
    return found


def _image(config: Any) -> tuple[int, int, int]:
    own = getattr(config, "vision_config", config)
    size = getattr(own, "image_size", 64)
    height, width = size if isinstance(size, list | tuple) else (size, size)
    return getattr(own, "num_channels", 3), height, width


def names_of(model: Any, keys: list[str]) -> tuple[dict[str, str], dict[str, list[int]]]:
    """By key of the file the parameter that it is loaded into, and the shape of each parameter."""
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightConverter, WeightRenaming, rename_source_key

    state = model.state_dict(keep_vars=True)
    steps = get_model_conversion_mapping(model)
    renamings = [step for step in steps if isinstance(step, WeightRenaming)]
    converters = [step for step in steps if isinstance(step, WeightConverter)]
    found = {}
    for key in keys:
        name, converted = rename_source_key(
            key, renamings, converters, model.base_model_prefix, state
        )
        if name not in state and key in state:
            name, converted = key, None
        if name in state and converted is None:
            found[key] = name
    first: dict[int, str] = {}
    for name, value in state.items():
        first.setdefault(id(value), name)
    alike = {name: first[id(value)] for name, value in state.items()}
    given = {alike[name]: key for key, name in found.items()}
    tied = {name: given[alike[name]] for name in state if alike[name] in given}
    return tied, {name: list(value.shape) for name, value in state.items()}
