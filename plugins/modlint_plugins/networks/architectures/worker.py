"""Run as a process: a configuration comes in, the ATen calls of its model go out.

Reads one JSON document from stdin ({"config", "keys"}) and writes one to stdout: {"program",
"names"}, the program as torch.export serialises it and the parameter that each key of the file is
loaded into; or {"reason"}. Weights are on the meta device: none is read or made.
"""

from __future__ import annotations

import base64
import contextlib
import io
import json
import resource
import sys
from typing import Any

SECONDS = 60
_MEMORY = 24 << 30
_WRITTEN = 1 << 24  # libraries look for a temporary folder
_LENGTH = 5


def main() -> None:
    """Answer one request."""
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_WRITTEN, _WRITTEN))
    request = json.loads(sys.stdin.read())
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            answer = exported(request["config"], request["keys"])
        except Exception as error:  # a library may raise anything for such a configuration
            answer = {"reason": f"{type(error).__name__}: {str(error)[:300]}"}
    sys.stdout.write(json.dumps(answer))


def exported(config: dict[str, Any], keys: list[str]) -> dict[str, Any]:
    """The model's calls, and which parameter each key is loaded into."""
    import torch
    from torch._export.serde.serialize import ExportedProgramSerializer
    from torch._subclasses.fake_tensor import FakeTensorMode

    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with torch.device("meta"):
            model, program = _program(config)
    except Exception:  # some classes make small tensors on a device of their own
        with FakeTensorMode(allow_non_fake_inputs=True):
            model, program = _program(config)
    artifact = ExportedProgramSerializer().serialize(program)
    names, shapes = _names(model, keys)
    from torch._export.serde.serialize import _dataclass_to_dict

    text = json.dumps(_dataclass_to_dict(artifact.exported_program), default=_plain)
    return {"program": base64.b64encode(text.encode()).decode(), "names": names, "shapes": shapes}


def _program(config: dict[str, Any]) -> tuple[Any, Any]:
    """The model and its export, on the device that is set."""
    import torch

    model = _model(config)
    with torch.no_grad():
        return model, torch.export.export(model, (), _inputs(model), strict=False)


def _plain(value: Any) -> Any:
    return value.value if hasattr(value, "value") else str(value)


def _model(config: dict[str, Any]) -> Any:
    """The class that the configuration names, without weights.

    Raises:
        ValueError: transformers has no such class.
    """
    import transformers

    settings = transformers.AutoConfig.for_model(**config)
    settings._attn_implementation = "eager"
    settings.use_cache = False
    stated = config.get("architectures")
    name = stated[0] if isinstance(stated, list) and stated else None
    kind = getattr(transformers, name, None) if isinstance(name, str) else None
    known = isinstance(kind, type) and issubclass(kind, transformers.PreTrainedModel)
    model = kind(settings) if known else transformers.AutoModel.from_config(settings)
    model.config._experts_implementation = "batched_mm"
    return model.eval()


def _inputs(model: Any) -> dict[str, Any]:
    """Example inputs by name: a few tokens, an image, a sound."""
    import inspect

    import torch

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


def _names(model: Any, keys: list[str]) -> tuple[dict[str, str], dict[str, list[int]]]:
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


if __name__ == "__main__":
    main()
