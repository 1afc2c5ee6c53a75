"""Names that a page's programs take from the reader's own program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from documented import ROOT


def namespace(page: Path, folder: Path) -> dict[str, Any]:
    """What is there before the first program of a page."""
    made = _PAGES.get(page.relative_to(ROOT).as_posix(), _of_a_rule if _is_rule(page) else _nothing)
    return made(folder)


def _is_rule(page: Path) -> bool:
    return page.is_relative_to(ROOT / "rules")


def _nothing(folder: Path) -> dict[str, Any]:
    return {}


def _of_a_rule(folder: Path) -> dict[str, Any]:
    import os

    import torch

    torch.manual_seed(0)
    return {"torch": torch, "os": os}


def _python(folder: Path) -> dict[str, Any]:
    import torch
    from torch import nn

    import modlint

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    samples = {"images": torch.rand(40, 64), "digits": torch.arange(40) % 10}
    return {"model": model, "modlint": modlint, **samples}


def _clusters(folder: Path) -> dict[str, Any]:
    import numpy as np

    return {"np": np, "images": np.zeros((4, 1, 8, 8)), "digits": np.arange(4)}


def _integrations(folder: Path) -> dict[str, Any]:
    from transformers import BertConfig, BertForSequenceClassification, TrainingArguments

    sizes = {"hidden_size": 8, "num_attention_heads": 2, "intermediate_size": 8}
    return {
        "model": BertForSequenceClassification(BertConfig(num_hidden_layers=1, **sizes)),
        "arguments": TrainingArguments(output_dir=str(folder), use_cpu=True, report_to=[]),
    }


PLUGIN = """
from typing import ClassVar
from modlint.analysis.base import Accumulator, Chunk, TensorAnalysis
from modlint.analysis.statistics import TensorStatistics
from modlint.checkpoint import Tensor
from modlint.scopes import TensorRule
from modlint.targets import of_tensor
from modlint_example.off_centre import OffCentreOptions
"""


def _plugin(folder: Path) -> dict[str, Any]:
    names: dict[str, Any] = {}
    exec(PLUGIN, names)
    return names


def _training(folder: Path) -> dict[str, Any]:
    import torch
    from modlint_train import FixedPartition
    from torch import nn

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(64, 48), nn.ReLU(), nn.Linear(48, 10))
    return {
        "model": model,
        "loader": [(torch.randn(8, 64), torch.arange(8))] * 2,
        "optimiser": torch.optim.Adam(model.parameters()),
        "cross_entropy": nn.functional.cross_entropy,
        "FixedPartition": FixedPartition,
        "Trainer": lambda callbacks: callbacks,
        "Clusterability": lambda penalty, weight: penalty(model),
    }


_PAGES: dict[str, Callable[[Path], dict[str, Any]]] = {
    "docs/clusters.md": _clusters,
    "docs/python.md": _python,
    "docs/integrations.md": _integrations,
    "docs/writing-a-plugin.md": _plugin,
    "plugins/modlint-train/README.md": _training,
}
