"""TRN007: a batch norm without the running statistics that its siblings hold."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from modlint.analysis.batch_norms import BatchNorm, BatchNorms
from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.training import MISSING_RUNNING_STATS

_NORMS = BatchNorms()
_NAMED = re.compile(r"(^|[._])(bn|batch_?norm)\w*$", re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


class MissingRunningStats(FileRule[Options], reference=MISSING_RUNNING_STATS):
    """Batch norms of which only some were saved with their buffers."""

    of_tensors = True
    advice = (
        "save the whole state_dict, buffers included; loaded with strict=False the layer"
        " normalises with mean 0 and variance 1"
    )

    def needs(self) -> tuple[Need, ...]:
        """The batch norms."""
        return (_NORMS,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each batch norm that lacks statistics, or what was looked at."""
        norms = file.result(_NORMS, file.checkpoint)
        whole = [norm for norm in norms if norm.mean and norm.variance]
        half = [norm for norm in norms if not (norm.mean and norm.variance)]
        half = [n for n in half if (n.name or whole) and (n.scale or n.shift or n.batches)]
        found = [self._half(norm) for norm in half]
        lacking = _lacking(file.checkpoint, norms) if whole else ()
        found += [self._without(name, whole) for name in lacking]
        yield from found
        target = whole_file(file.checkpoint)
        if not whole and not half:
            yield self.not_applicable(target, "the file holds no batch norm's statistics")
        elif not found:
            message = f"{count(len(whole), 'batch norm')}, each with its running mean and variance"
            yield self.passed(target, message, values={"norms": len(whole), "lacking": 0})

    def _half(self, norm: BatchNorm) -> Verdict:
        missing = "mean" if norm.mean is None else "variance"
        return self.failed(
            Target("layer", norm.name),
            f"it holds no running {missing}, while it holds the other of the two",
            help=self.advice,
            values={"missing": missing},
        )

    def _without(self, name: str, whole: Sequence[BatchNorm]) -> Verdict:
        return self.failed(
            Target("layer", name),
            f"it holds no running mean and variance, while {count(len(whole), 'batch norm')} of the"
            f" file do ({whole[0].name})",
            help=self.advice,
            values={"missing": "both", "norms": len(whole)},
        )


def _lacking(checkpoint: Checkpoint, norms: Sequence[BatchNorm]) -> Iterator[str]:
    """Modules that are named and built as the batch norms of the file, without statistics."""
    if checkpoint.graph is not None:  # its nodes say what each reads
        return
    alike = defaultdict[str, list[str]](list)
    modules = dict(_affine(checkpoint))
    holding = {norm.name for norm in norms}
    patterns = {_pattern(name) for name in holding}
    for name in modules.keys() - holding:
        if _pattern(name) in patterns and _is_batch_norm(name, modules[name], checkpoint):
            alike[_pattern(name)].append(name)
    for pattern, names in alike.items():
        held = sum(_pattern(name) == pattern for name in holding)
        rare = len(names) < held or (len(names) == held and pattern.endswith("#"))
        yield from sorted(name for name in names if rare or _NAMED.search(name))


def _affine(checkpoint: Checkpoint) -> Iterator[tuple[str, Tensor]]:
    """Modules with a weight and a bias of one axis and one size."""
    tensors: Mapping[str, Tensor] = checkpoint.tensors
    for name, tensor in tensors.items():
        module, dot, last = name.rpartition(".")
        bias = tensors.get(f"{module}{dot}bias") if last == "weight" else None
        alike = bias is not None and bias.shape == tensor.shape
        if alike and len(tensor.shape) == 1 and tensor.role is Role.WEIGHT:
            yield module, tensor


def _pattern(name: str) -> str:
    return _NUMBER.sub("#", name)


def _is_batch_norm(name: str, weight: Tensor, checkpoint: Checkpoint) -> bool:
    """A number says nothing of a module's kind: there a convolution must stand before it."""
    parent, _, last = name.rpartition(".")
    if not last.isdecimal():
        return True
    before = f"{parent}.{int(last) - 1}.weight" if parent else f"{int(last) - 1}.weight"
    convolution = checkpoint.tensors.get(before)
    return (
        convolution is not None
        and len(convolution.shape) > 2
        and weight.elements in convolution.shape[:2]
    )
