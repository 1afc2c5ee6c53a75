"""FMT003: an index and its shards that disagree."""

from __future__ import annotations

from modlint.rule import Options
from modlint.verdict import Severity
from modlint_rules.base.remarks import RemarkRule
from modlint_rules.format import MISSING_SHARD

_KINDS = ("extra-tensor", "missing-shard", "missing-tensor", "wrong-total-size")


class MissingShard(RemarkRule[Options], reference=MISSING_SHARD):
    """A sharded checkpoint that is not whole."""

    kinds = {  # noqa: RUF012
        **dict.fromkeys(_KINDS, Severity.ERROR),
        "missing-storage": Severity.WARNING,
    }
    sound = "no shard is missing"
    formats = frozenset({"shard-index", "torch-distributed"})
    absent = "the file is no index of shards"
    advice = "fetch all shards again, and the index that belongs to them"
