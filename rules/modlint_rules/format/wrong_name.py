"""Names that promise another format than the file holds."""

from __future__ import annotations

from msgspec import Struct

from modlint.checkpoint import Checkpoint, Status
from modlint.verdict import Severity


class WrongName(Struct, frozen=True):
    """What is wrong with a file's name.

    Attributes:
        message: what it promises, and what follows.
        help: what to do.
        severity: an error where whoever goes by the name takes the file for safer than it is, or
            where every loader of that name refuses it.
    """

    message: str
    help: str
    severity: Severity


_PROMISED = {
    ".safetensors": ("safetensors", "safetensors refuses it (HeaderTooLarge, InvalidHeader)"),
    ".onnx": ("onnx", "ONNX runtimes refuse it"),
    ".gguf": ("gguf", "llama.cpp refuses it"),
    ".tflite": ("tflite", "TensorFlow Lite refuses it"),
}
"""By extension, the one format that such files have, and what happens to others."""

_TORCH_NAMES = (".pt", ".pth", ".th", ".ckpt", ".pth.tar")
_REFUSED_BY_TORCH = {
    "safetensors": (*_TORCH_NAMES, ".bin"),
    "onnx": _TORCH_NAMES,
}
"""By format, the names under which loaders take a file for PyTorch's."""

_RENAME = "rename it after what it holds, or convert it to what its name says"


def wrong_name(checkpoint: Checkpoint) -> WrongName | None:
    """What is wrong with the name of a file that was read whole; None where nothing is."""
    if checkpoint.status is not Status.CHECKED or checkpoint.faults:
        return None
    name, held = checkpoint.path.name.lower(), checkpoint.format
    for extension, (promised, effect) in _PROMISED.items():
        if name.endswith(extension) and held != promised:
            what = f"{held}, with pickles that may run code" if checkpoint.pickles else held
            message = f"is named {extension} and holds {what}: {effect}"
            return WrongName(message, _RENAME, Severity.ERROR)
    if name.endswith(_REFUSED_BY_TORCH.get(held, ())):
        message = f"holds {held} under a name of PyTorch's: torch.load refuses it"
        return WrongName(message, _RENAME, Severity.WARNING)
    return None
