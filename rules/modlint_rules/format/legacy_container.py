"""FMT012: a container that newer ones have replaced."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Checkpoint
from modlint.rule import Examination, Options, Rule
from modlint.verdict import Severity, Verdict
from modlint_rules.targets import whole_file

_SAVE = "load it once where you trust it, and save its state_dict as safetensors"
_OLD = {
    "torch-legacy": "is in PyTorch's format from before version 1.6",
    "torch-tar": "is in PyTorch's format from before version 0.1.10",
    "torchscript-json": "is a TorchScript archive from before PyTorch 1.4",
}
_MODULES = "torch.nn.modules."


class LegacyContainer(Rule[Options]):
    """A file that current tools read for compatibility alone."""

    code = "FMT012"
    name = "legacy-container"
    summary = "an old container, a whole module in a pickle, or safetensors without `format`"
    severity = Severity.NOTE
    source = "PyTorch documentation, serialization semantics; safetensors, format metadata"

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file."""
        checkpoint = file.checkpoint
        target = whole_file(checkpoint)
        found = _legacy(checkpoint)
        if found is None:
            yield self.passed(target, f"{checkpoint.format} is a current container")
            return
        message, help_ = found
        yield self.failed(target, message, help=help_, values={"format": checkpoint.format})


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
