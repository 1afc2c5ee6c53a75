"""Which layers a file lacks: up to the stated number, or between others."""

from __future__ import annotations

import itertools
import re

from modlint.analysis.layer_stacks import LayerStacks
from modlint.analysis.model_config import Config
from modlint.checkpoint import Checkpoint
from modlint.results.layers import LayerStack
from modlint.results.model_config import ModelConfig
from modlint.rule import Examination
from modlint_rules.base.folder import is_model
from modlint_rules.base.stated_layers import StatedStack, stated_stacks

CONFIG = Config()
STACKS = LayerStacks()
_ADAPTER = re.compile(
    r"(^|[._])(lora|loha|lokr|ia3|oft|adapter\w*|prompt\w*)([._]|$)", re.IGNORECASE
)
_FEWEST = 3
"""Layers that must be there before a gap between them is one."""


def judged_stacks(file: Examination) -> list[tuple[LayerStack, StatedStack | None]]:
    """The stacks of which it can be told what they lack, with what is stated of them."""
    if _is_partial(file.checkpoint):
        return []
    stacks = file.result(STACKS, file.checkpoint)
    config = stated_config(file)
    said = {} if config is None else {s.stack.name: s for s in stated_stacks(config, stacks)}
    alike = (s for s in stacks if s.name in said or (s.is_uniform and len(s.members) >= _FEWEST))
    return [(stack, said.get(stack.name)) for stack in alike]


def stated_config(file: Examination) -> ModelConfig | None:
    """What config.json says of the file; None where the file is not named as the model."""
    return file.result(CONFIG, file.checkpoint) if is_model(file.checkpoint) else None


def missing_from(stack: LayerStack, said: StatedStack | None) -> list[int]:
    """Numbers of the layers that a stack lacks."""
    return _missing(said) if said else _gaps(stack)


def _is_partial(checkpoint: Checkpoint) -> bool:
    """Whether a file holds some layers by design: an adapter, or a graph that folds weights."""
    if checkpoint.format == "onnx" or checkpoint.path.name.startswith("adapter"):
        return True
    return not is_model(checkpoint) and any(_ADAPTER.search(name) for name in checkpoint.tensors)


def _missing(said: StatedStack) -> list[int]:
    """Numbers below the stated one that no layer has; of absurd ones those up to the last."""
    end = min(said.number, said.stack.end + 10_000)
    return [number for number in range(end) if number not in said.stack.members]


def _gaps(stack: LayerStack) -> list[int]:
    """Numbers missing between layers of one design.

    A choice of layers, as every second one, is none: fewer are missing than there are, and the
    numbers do not go up in equal steps.
    """
    gaps = stack.gaps
    numbers = sorted(stack.members)
    steps = {after - before for before, after in itertools.pairwise(numbers)}
    return gaps if len(gaps) < len(numbers) and len(steps) > 1 else []
