"""The files that the documentation's commands name, written by the libraries of their formats."""

from __future__ import annotations

import logging
import shutil
import warnings
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
COPIES = {
    "mlp.pt": ("model.pt", "old.pt", "new.pt", "a.pt", "checkpoints/epoch-1.pt"),
    "mlp.safetensors": (
        "model.safetensors",
        "old.safetensors",
        "base.safetensors",
        "b.safetensors",
        "base/model.safetensors",
        "release/model.safetensors",
        "models/mlp.safetensors",
        "downloads/model.safetensors",
    ),
    "mlp.onnx": ("model.onnx", "new.onnx"),
    "cnn.onnx": ("models/cnn.onnx",),
}
"""By trained network of `make demo`: where copies of it lie."""


def write(folder: Path, checkpoints: Path) -> None:
    """Fill a folder; `checkpoints` is what `make demo` made: `healthy` and `broken`."""
    kept = shutil.ignore_patterns("checkpoints", "__pycache__")
    shutil.copytree(EXAMPLES, folder / "examples", ignore=kept)
    shutil.copytree(checkpoints, folder / "examples" / "checkpoints")
    for name, places in COPIES.items():
        for place in places:
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(checkpoints / "healthy" / name, folder / place)
    _prefixed(folder)
    _tuned(folder)
    _pruned(folder)
    _quantised(folder)
    _adapter(folder)
    _sharded(folder)
    _with_a_tail(folder)
    _samples(folder)


def _prefixed(folder: Path) -> None:
    """What DataParallel saves."""
    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    (folder / "wrapped").mkdir()
    named = {f"module.{name}": values for name, values in weights.items()}
    save_file(named, folder / "wrapped/model.safetensors", {"format": "pt"})


def _tuned(folder: Path) -> None:
    """Every weight a little further on."""
    import numpy as np
    from safetensors.numpy import load_file, save_file

    random = np.random.default_rng(0)
    weights = {
        name: values + 0.05 * values.std() * random.standard_normal(values.shape, np.float32)
        for name, values in load_file(folder / "base.safetensors").items()
    }
    (folder / "tuned").mkdir()
    for place in ("tuned.safetensors", "tuned/model.safetensors"):
        save_file(weights, folder / place, {"format": "pt"})


def _pruned(folder: Path) -> None:
    """Every fourth, and every third, hidden unit of a layer set to zero."""
    import numpy as np
    import onnx
    from onnx import numpy_helper

    (folder / "pruned").mkdir()
    for name, step in (("small", 4), ("large", 3)):
        model = onnx.load(folder / "model.onnx")
        for tensor in model.graph.initializer:
            if tensor.name.startswith(("fc3.", "fc4.weight")):
                values = numpy_helper.to_array(tensor).copy()
                units = np.moveaxis(values, 1, 0) if tensor.name == "fc4.weight" else values
                units[::step] = 0
                tensor.CopyFrom(numpy_helper.from_array(values, tensor.name))
        onnx.save(model, folder / f"pruned/{name}.onnx")


def _quantised(folder: Path) -> None:
    """What onnxruntime makes of it in 8 bits."""
    from onnxruntime.quantization import quantize_dynamic

    logging.disable(logging.WARNING)
    quantize_dynamic(folder / "model.onnx", folder / "model-int8.onnx")
    logging.disable(logging.NOTSET)


def _adapter(folder: Path) -> None:
    """A LoRA adapter of peft, after a step that made it do something."""
    import torch
    from torch import nn

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from peft import LoraConfig, get_peft_model

        torch.manual_seed(0)
        shapes = {"fc1": (64, 128), "fc2": (128, 128), "fc3": (128, 64), "fc4": (64, 10)}
        model = nn.Sequential()
        for name, shape in shapes.items():
            model.add_module(name, nn.Linear(*shape))
        adapted = get_peft_model(model, LoraConfig(target_modules=["fc2", "fc3"]))
        for name, values in adapted.named_parameters():
            if "lora_B" in name:
                nn.init.normal_(values, std=0.02)
        adapted.save_pretrained(str(folder / "adapter"))
    (folder / "adapter" / "README.md").unlink(missing_ok=True)


def _sharded(folder: Path) -> None:
    """What transformers makes of a model that is larger than a shard."""
    import json

    from safetensors.numpy import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    (folder / "sharded").mkdir()
    names = sorted(weights)
    middle = len(names) // 2
    shards = {
        f"model-0000{place}-of-00002.safetensors": part
        for place, part in enumerate((names[:middle], names[middle:]), 1)
    }
    for shard, part in shards.items():
        held = {name: weights[name] for name in part}
        save_file(held, folder / "sharded" / shard, {"format": "pt"})
    index = {
        "metadata": {"total_size": sum(values.nbytes for values in weights.values())},
        "weight_map": {name: shard for shard, part in shards.items() for name in part},
    }
    place = folder / "sharded" / "model.safetensors.index.json"
    place.write_text(json.dumps(index), encoding="utf-8")


def _with_a_tail(folder: Path) -> None:
    """A file of PyTorch before 1.6, and bytes to put behind it."""
    import torch

    state = torch.load(folder / "model.pt", weights_only=True)
    torch.save(state, folder / "old-model.pth", _use_new_zipfile_serialization=False)
    (folder / "payload").write_bytes(bytes(range(1, 17)) * 256)


def _samples(folder: Path) -> None:
    """The digits that the networks of `make demo` were not trained on."""
    import numpy as np
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = digits.images[1_500:, None].astype(np.float32) / 16
    np.savez(folder / "batch.npz", inputs=images, labels=digits.target[1_500:])
