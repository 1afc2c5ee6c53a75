"""FMT009: parameters that are placeholders: their elements are elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.rule import Examination, Options
from modlint.scopes import unread
from modlint.targets import of_tensor, whole_file
from modlint.text import count
from modlint.verdict import Severity, Verdict
from modlint_rules.base.keys import KeysRule
from modlint_rules.format import PLACEHOLDER_PARAMETERS

_NAMES = (
    r"(?:^|[._'\"])(weight|bias|gamma|beta|kernel|(weight|bias)_[ih]h_l\d+(_reverse)?"
    r"|pos_embed|cls_token|lora_[AB])"
)
_PARAMETER = re.compile(rf"{_NAMES}$", re.IGNORECASE)
_QUOTED = re.compile(rf"{_NAMES}['\"] was saved", re.IGNORECASE)
"""A parameter, in what the reader says of a tensor on the meta device."""
_META = "meta-tensor"
_MOST = 0.9
_FEWEST = 4
"""Parameters of a model that can be told from one of single numbers."""


class PlaceholderParameters(KeysRule[Options], reference=PLACEHOLDER_PARAMETERS):
    """Parameters whose elements were left out."""

    of_tensors = False
    advice = (
        "gather the weights before saving (DeepSpeed: stage3_gather_16bit_weights_on_model_save),"
        " or convert with zero_to_fp32.py"
    )

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """Empty ones, those on the meta device, and a model of single elements."""
        checkpoint = file.checkpoint
        for remark in checkpoint.remarks:
            if remark.kind == _META:
                yield self.failed(
                    whole_file(checkpoint),
                    f"{remark.message}: a placeholder, as an offloaded model holds",
                    help="load the model wholly (no device_map, no init_empty_weights), then save",
                    values={"kind": _META},
                    severity=_weight(remark.message, checkpoint),
                )
        for tensor in checkpoint.tensors.values():
            if 0 in tensor.shape and _is_parameter(tensor) and not _is_none(tensor, checkpoint):
                yield self.failed(
                    of_tensor(tensor),
                    f"tensor {tensor.name!r} has shape {list(tensor.shape)}: it holds no element",
                    help=self.advice,
                    values={"shape": list(tensor.shape)},
                )
        yield from self._single(checkpoint)

    def healthy(self, file: Examination) -> Verdict:
        """The number of parameters."""
        checkpoint = file.checkpoint
        if not checkpoint.tensors:
            return self.not_applicable(whole_file(checkpoint), "the file holds no tensor to judge")
        message = f"{count(len(checkpoint.tensors), 'tensor')}, no parameter without elements"
        values = {"tensors": len(checkpoint.tensors)}
        reason = unread(checkpoint)
        if reason is not None:
            return self.inconclusive(whole_file(checkpoint), reason)
        return self.passed(whole_file(checkpoint), message, values=values)

    def _single(self, checkpoint: Checkpoint) -> Iterator[Verdict]:
        parameters = [tensor for tensor in checkpoint.tensors.values() if _is_parameter(tensor)]
        single = [t for t in parameters if t.elements == 1 and len(t.shape) < 2]
        share = len(single) / max(1, len(parameters))
        if len(single) >= _FEWEST and share >= _MOST:
            yield self.failed(
                whole_file(checkpoint),
                f"{len(single):,} of {count(len(parameters), 'parameter')} hold one element, as"
                f" {single[0].name!r}: placeholders of a model that was sharded or offloaded",
                help=self.advice,
                values={"single": len(single), "share": share},
                limit={"share": {"max": _MOST}},
            )


def _weight(message: str, checkpoint: Checkpoint) -> Severity:
    """An error where a parameter is missing, or all there was; else it may be a buffer."""
    missing = not checkpoint.tensors or _QUOTED.search(message) is not None
    return Severity.ERROR if missing else Severity.WARNING


def _is_none(tensor: Tensor, checkpoint: Checkpoint) -> bool:
    """Whether a layer has no such parameter: e3nn stores an empty one, beside an `output_mask`."""
    return f"{tensor.name.rpartition('.')[0]}.output_mask" in checkpoint.tensors


def _is_parameter(tensor: Tensor) -> bool:
    """Whether a tensor is named as a parameter is."""
    if tensor.role is not Role.WEIGHT or tensor.dtype.kind != "float":
        return False
    return _PARAMETER.search(tensor.name) is not None
