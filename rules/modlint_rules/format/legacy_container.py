"""FMT012: a container that newer ones have replaced."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Checkpoint
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.verdict import Verdict
from modlint_rules.format import LEGACY_CONTAINER

_SAVE = "load it once where you trust it, and save its state_dict as safetensors"
_OLD = {
    "torch-legacy": "is in PyTorch's format from before version 1.6",
    "torch-tar": "is in PyTorch's format from before version 0.1.10",
    "torchscript-json": "is a TorchScript archive from before PyTorch 1.4",
}
_MODULES = "torch.nn.modules."


class LegacyContainer(FileRule[Options], reference=LEGACY_CONTAINER):
    """A file that current tools read for compatibility alone."""

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """A finding where something about the file is old."""
        found = _legacy(file.checkpoint)
        if found is not None:
            message, help_ = found
            values = {"format": file.checkpoint.format}
            yield self.failed(whole_file(file.checkpoint), message, help=help_, values=values)

    def healthy(self, file: Examination) -> Verdict:
        """The container's name."""
        message = f"{file.checkpoint.format} is a current container"
        return self.passed(whole_file(file.checkpoint), message)


def _legacy(checkpoint: Checkpoint) -> tuple[str, str] | None:
    """What is old about the file, and what to do."""
    if checkpoint.format in _OLD:
        return _OLD[checkpoint.format], _SAVE
    if checkpoint.format == "safetensors" and "format" not in checkpoint.metadata:
        message = 'states no "format" in its metadata, which transformers asks for'
        return message, 'save it with metadata={"format": "pt"}'
    if checkpoint.format != "torchscript" and _holds_module(checkpoint):
        message = "holds a whole module, which loads only beside the code that defined it"
        return message, "save model.state_dict() instead of the model"
    return None


def _holds_module(checkpoint: Checkpoint) -> bool:
    return any(
        use.use == "instantiated" and use.module.startswith(_MODULES)
        for trace in checkpoint.pickles
        for use in trace.uses
    )
