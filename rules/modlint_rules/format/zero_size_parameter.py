"""FMT009: a parameter without elements."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.checkpoint import Role, Tensor
from modlint.rule import Examination, Options, Rule
from modlint.text import count
from modlint.verdict import Severity, Target, Verdict
from modlint_rules.targets import if_examined, whole_file

_LISTED = 20
_PARAMETERS = ("weight", "bias", "gamma", "beta")
_HELP = (
    "gather the weights before saving (DeepSpeed: stage3_gather_16bit_weights_on_model_save), or"
    " convert with zero_to_fp32.py"
)


class ZeroSizeParameter(Rule[Options]):
    """A parameter whose elements were left out."""

    code = "FMT009"
    name = "zero-size-parameter"
    summary = "a float parameter has a zero in its shape: a partial ZeRO-3 save"
    severity = Severity.ERROR
    source = "DeepSpeed documentation, ZeRO stage 3, model checkpointing"

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each tensor, the first 20, or one passing verdict for the file."""
        checkpoint = file.checkpoint
        tensors = checkpoint.tensors.values()
        empty = [tensor for tensor in tensors if _is_empty_parameter(tensor)]
        for tensor in empty[:_LISTED]:
            yield self.failed(
                Target("tensor", tensor.name),
                f"tensor {tensor.name!r} has shape {list(tensor.shape)}: it holds no element",
                help=_HELP,
                values={"shape": list(tensor.shape)},
            )
        if len(empty) > _LISTED:
            rest = count(len(empty) - _LISTED, "further tensor")
            message = f"{rest} without elements not listed"
            yield self.failed(whole_file(checkpoint), message, help=_HELP)
        if not empty:
            message = f"{count(len(tensors), 'tensor')}, no parameter without elements"
            yield if_examined(self, checkpoint, self.passed(whole_file(checkpoint), message))


def _is_empty_parameter(tensor: Tensor) -> bool:
    """Whether a tensor is named as a parameter is, and holds nothing."""
    if tensor.role is not Role.WEIGHT or tensor.dtype.kind != "float" or 0 not in tensor.shape:
        return False
    return tensor.name.rpartition(".")[2].rpartition("_")[2].lower() in _PARAMETERS
