"""Add to the index of models that torchvision and timm make: names, shapes, hashed.

Usage: python scripts/fingerprints.py [torchvision] [timm]

Needs torch, and the libraries that are named (both, unless said). Every model is made on the meta
device with two widths of its classifier; what differs is the classifier.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from modlint_plugins.networks.architectures import fingerprints

MODELS = Callable[[int], torch.nn.Module]


def torchvision_models() -> Iterator[tuple[str, MODELS]]:
    """Classifiers of torchvision."""
    import torchvision

    for name in torchvision.models.list_models(module=torchvision.models):
        extra: dict[str, Any] = {}
        if name in ("googlenet", "inception_v3"):
            extra = {"init_weights": False, "aux_logits": True}
        yield f"torchvision/{name}", partial(_torchvision, name, extra)


def _torchvision(name: str, extra: dict[str, Any], classes: int) -> torch.nn.Module:
    import torchvision

    model = torchvision.models.get_model(name, weights=None, num_classes=classes, **extra)
    assert isinstance(model, torch.nn.Module)
    return model


def timm_models() -> Iterator[tuple[str, MODELS]]:
    """Models of timm, by their names without tags."""
    import timm

    for name in timm.list_models():
        yield f"timm/{name}", partial(_timm, name)


def _timm(name: str, classes: int) -> torch.nn.Module:
    import timm

    model = timm.create_model(name, pretrained=False, num_classes=classes)
    assert isinstance(model, torch.nn.Module)
    return model


def shapes_of(make: MODELS, classes: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a model's tensors, none of which is made."""
    try:
        with torch.device("meta"):
            model = make(classes)
    except Exception:  # some read what they initialise
        model = make(classes)
    return {name: tuple(value.shape) for name, value in model.state_dict().items()}


def main(libraries: list[str]) -> None:
    """Add to the index; what cannot be made is named on stderr."""
    warnings.simplefilter("ignore")
    path = Path(fingerprints.__file__).with_name("fingerprints.json")
    data = json.loads(path.read_text()) if path.exists() else {"heads": [[]], "models": {}}
    models: dict[str, str] = data["models"]
    heads = {tuple(head) for head in data["heads"]}
    wanted = {"torchvision": torchvision_models, "timm": timm_models}
    for library in libraries or list(wanted):
        for number, (name, make) in enumerate(wanted[library]()):
            if name in models.values():
                continue
            try:
                shapes, other = shapes_of(make, 1000), shapes_of(make, 7)
            except Exception as error:
                print(f"{name}: {type(error).__name__}: {str(error)[:80]}", file=sys.stderr)
                continue
            head = tuple(
                sorted((k for k in shapes if shapes[k] != other.get(k)), key=_weight_first)
            )
            heads.add(head)
            models.setdefault(fingerprints.fingerprint(shapes, head), name)
            if number % 50 == 0:
                _write(path, models, heads)
    _write(path, models, heads)
    print(f"{len(models)} models, {len(heads)} classifiers")


def _write(path: Path, models: dict[str, str], heads: set[tuple[str, ...]]) -> None:
    data = {"heads": sorted(heads), "models": dict(sorted(models.items()))}
    path.write_text(json.dumps(data, indent=0) + "\n", encoding="utf-8")


def _weight_first(key: str) -> tuple[bool, str]:
    return (not key.endswith("weight"), key)


if __name__ == "__main__":
    main(sys.argv[1:])
