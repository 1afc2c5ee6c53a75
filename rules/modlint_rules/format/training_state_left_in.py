"""FMT004: optimiser, scheduler or averaged copies beside the weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from modlint.checkpoint import Role, Tensor
from modlint.rule import Examination, Options, Rule
from modlint.scopes import if_examined
from modlint.targets import whole_file
from modlint.text import count, file_size, listed
from modlint.verdict import Verdict
from modlint_rules.format import TRAINING_STATE_LEFT_IN

_AVERAGED = re.compile(r"(^|[._])(ema|model_ema|ema_model|swa|shadow_params)($|[._])", re.I)
_OF_ENVIRONMENT = re.compile(r"(^|[._])np_random[._]")
"""The generator of an environment or of its spaces (gym), which no state_dict leaves out."""

_NONE = "none of training state"
_SHARING = "none of training state but what shares the weights' bytes"


class TrainingStateLeftIn(Rule[Options], reference=TRAINING_STATE_LEFT_IN):
    """Tensors that only training needs."""

    def check(self, file: Examination) -> Iterator[Verdict]:
        """One verdict for the file, with the bytes that it could do without."""
        checkpoint = file.checkpoint
        target = whole_file(checkpoint)
        tensors = list(checkpoint.tensors.values())
        state = _of_training_alone(tensors)
        nbytes, total = _nbytes(state), _nbytes(tensors)
        values = {"tensors": len(state), "bytes": nbytes, "share": nbytes / max(total, 1)}
        limit = {"tensors": {"max": 0}}
        if not state:
            sharing = any(_is_training_state(tensor, tensors) for tensor in tensors)
            message = f"{count(len(tensors), 'tensor')}, {_SHARING if sharing else _NONE}"
            passed = self.passed(target, message, values=values, limit=limit)
            yield if_examined(self, checkpoint, passed)
            return
        sections = sorted({tensor.section or tensor.name.partition(".")[0] for tensor in state})
        yield self.failed(
            target,
            f"{file_size(nbytes)} of {file_size(total)} are training state ({listed(sections)}),"
            " which only a resumed training reads",
            help="save the model's state_dict alone where you deploy it",
            values=values,
            limit=limit,
        )


def _of_training_alone(tensors: list[Tensor]) -> list[Tensor]:
    """Tensors of training state whose bytes no weight shares: those that could be left out."""
    state = {tensor.name for tensor in tensors if _is_training_state(tensor, tensors)}
    shared = {tensor.storage for tensor in tensors if tensor.name not in state}
    return [t for t in tensors if t.name in state and t.storage not in shared]


def _is_training_state(tensor: Tensor, tensors: list[Tensor]) -> bool:
    """Whether training alone needs it; an averaged copy counts where other weights are there."""
    if tensor.role is Role.TRAINING_STATE:
        return _OF_ENVIRONMENT.search(tensor.name) is None
    if not _AVERAGED.search(tensor.section):
        return False
    return any(t.role is Role.WEIGHT and not _AVERAGED.search(t.section) for t in tensors)


def _nbytes(tensors: list[Tensor]) -> int:
    return sum({tensor.storage: tensor.storage.nbytes for tensor in tensors}.values())
