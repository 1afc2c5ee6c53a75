"""FMT003: an index and its shards that disagree."""

from __future__ import annotations

from modlint.rule import Options
from modlint.verdict import Severity
from modlint_rules.base.remarks import RemarkRule

_KINDS = ("extra-tensor", "missing-shard", "missing-tensor", "wrong-total-size")


class MissingShard(RemarkRule[Options]):
    """A sharded checkpoint that is not whole."""

    code = "FMT003"
    name = "missing-shard"
    summary = "the index of a sharded checkpoint names files or tensors that are not there"
    severity = Severity.ERROR
    source = "Hugging Face transformers, sharded checkpoints (model.safetensors.index.json)"
    kinds = {  # noqa: RUF012
        **dict.fromkeys(_KINDS, Severity.ERROR),
        "missing-storage": Severity.WARNING,
    }
    sound = "no shard is missing"
    formats = frozenset({"shard-index", "torch-distributed"})
    absent = "the file is no index of shards"
    advice = "fetch all shards again, and the index that belongs to them"
