"""FMT009: a parameter without elements."""

from __future__ import annotations

from modlint.checkpoint import Role, Tensor
from modlint.rule import Examination, Options
from modlint.scopes import TensorRule
from modlint.targets import of_tensor
from modlint.verdict import Verdict
from modlint_rules.format import ZERO_SIZE_PARAMETER

_PARAMETERS = ("weight", "bias", "gamma", "beta")
_HELP = (
    "gather the weights before saving (DeepSpeed: stage3_gather_16bit_weights_on_model_save), or"
    " convert with zero_to_fp32.py"
)


class ZeroSizeParameter(TensorRule[Options], reference=ZERO_SIZE_PARAMETER):
    """A parameter whose elements were left out."""

    advice = _HELP
    sound = "no parameter without elements"

    def judge(self, tensor: Tensor, file: Examination) -> Verdict | None:  # noqa: ARG002
        """A finding where the tensor is a parameter and holds nothing."""
        if not _is_empty_parameter(tensor):
            return None
        return self.failed(
            of_tensor(tensor),
            f"tensor {tensor.name!r} has shape {list(tensor.shape)}: it holds no element",
            help=_HELP,
            values={"shape": list(tensor.shape)},
        )


def _is_empty_parameter(tensor: Tensor) -> bool:
    """Whether a tensor is named as a parameter is, and holds nothing."""
    if tensor.role is not Role.WEIGHT or tensor.dtype.kind != "float" or 0 not in tensor.shape:
        return False
    return tensor.name.rpartition(".")[2].rpartition("_")[2].lower() in _PARAMETERS
