"""FMT015: layers that are missing, and files of ranks that are."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.beside import Beside
from modlint.analysis.layer_stacks import LayerStacks
from modlint.analysis.model_config import Config
from modlint.checkpoint import Checkpoint
from modlint.results.layers import LayerStack
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count
from modlint.verdict import Target, Verdict
from modlint_rules.base.folder import BESIDE, incomplete, index_of, is_model
from modlint_rules.base.stated_layers import StatedStack, stated_stacks
from modlint_rules.format import MISSING_LAYERS
from modlint_rules.format.ranks import Absent, absent_ranks, stated_ranks

_CONFIG = Config()
_STACKS = LayerStacks()
_ABOVE = Beside(above=1)
_ADAPTER = re.compile(
    r"(^|[._])(lora|loha|lokr|ia3|oft|adapter\w*|prompt\w*)([._]|$)", re.IGNORECASE
)
_FEWEST = 3
"""Layers that must be there before a gap between them is one."""


class MissingLayers(FileRule[Options], reference=MISSING_LAYERS):
    """A model that was saved or copied in part."""

    advice = "save or copy the model whole: what is missing is initialised at random on loading"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The layers, the configuration and the names beside the file."""
        return (_STACKS, _CONFIG, BESIDE, _ABOVE)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each stack of layers, and one for files that are absent."""
        checkpoint, target = file.checkpoint, whole_file(file.checkpoint)
        beside = checkpoint.path.exists()
        if beside and (index := index_of(checkpoint, file.result(BESIDE, checkpoint))):
            yield self.not_applicable(target, f"judged with its index, {index}")
            return
        parts = list(_parts(file)) if beside else []
        if parts:
            yield from self._judge_parts(parts, target)
            return
        reason = incomplete(checkpoint)
        stacks = _judged(file)
        if reason is not None or not stacks:
            yield self._nothing(reason, target)
        else:
            yield from self._judge_layers(stacks, target)

    def _nothing(self, unread: str | None, target: Target) -> Verdict:
        if unread is not None:
            return self.inconclusive(target, unread)
        return self.not_applicable(target, "the file holds no numbered layers to be complete")

    def _judge_parts(self, parts: list[Absent], target: Target) -> Iterator[Verdict]:
        for absent in parts:
            if not absent.first:
                yield self.not_applicable(target, "judged with the first file of the same save")
            elif absent.missing:
                yield self._absent(absent, target)
            else:
                files = {"files": absent.present}
                message = f"{count(absent.present, 'file')} of one save, none absent between them"
                yield self.passed(target, message, values=files)

    def _absent(self, absent: Absent, target: Target) -> Verdict:
        total = absent.present + len(absent.missing)
        return self.failed(
            target,
            f"{len(absent.missing):,} of {count(total, 'file')} of this save are absent:"
            f" {_listed(absent.missing)}; the model cannot be put together without them",
            help="copy the files of all ranks or shards into one folder",
            values={"present": absent.present, "absent": len(absent.missing)},
            limit={"absent": {"max": 0}},
        )

    def _judge_layers(
        self, stacks: Sequence[tuple[LayerStack, StatedStack | None]], target: Target
    ) -> Iterator[Verdict]:
        found = [
            self._lacking(stack, missing, said, target)
            for stack, said in stacks
            if (missing := _missing(said) if said else _gaps(stack))
        ]
        yield from found
        if not found:
            layers = sum(len(stack.members) for stack, _ in stacks)
            message = f"{count(layers, 'layer')} in {count(len(stacks), 'stack')}, none missing"
            stated = sum(said is not None for _, said in stacks)
            values = {"layers": layers, "stacks": len(stacks), "stated": stated}
            yield self.passed(target, message, values=values)

    def _lacking(
        self, stack: LayerStack, missing: list[int], said: StatedStack | None, target: Target
    ) -> Verdict:
        held = _listed(_ranges(sorted(stack.members)))
        states = f"config.json states {said.key} {said.number:,}, and " if said else ""
        return self.failed(
            target,
            f"{states}{stack.name} holds {held}: {_listed(_ranges(missing))} missing",
            help=self.advice,
            values={"layers": len(stack.members), "missing": len(missing), "stack": stack.name},
            limit={"missing": {"max": 0}},
        )


def _parts(file: Examination) -> Iterator[Absent]:
    """What the names of the file and of its folder tell of further ranks."""
    folder = file.result(BESIDE, file.checkpoint)
    checkpoint = file.checkpoint
    if ".metadata" not in folder.files:
        absent = absent_ranks(checkpoint.path.name, folder.files, stated_ranks(checkpoint))
        if absent is not None:
            yield absent
            return
    name = checkpoint.path.absolute().parent.name
    if name.startswith("mp_rank_"):
        absent = absent_ranks(name, file.result(_ABOVE, checkpoint).folders)
        if absent is not None:
            yield absent


def _is_partial(checkpoint: Checkpoint) -> bool:
    """Whether a file holds some layers by design: an adapter, or a graph that folds weights."""
    if checkpoint.format == "onnx" or checkpoint.path.name.startswith("adapter"):
        return True
    return not is_model(checkpoint) and any(_ADAPTER.search(name) for name in checkpoint.tensors)


def _judged(file: Examination) -> list[tuple[LayerStack, StatedStack | None]]:
    """The stacks of which it can be told what they lack, with what is stated of them."""
    if _is_partial(file.checkpoint):
        return []
    stacks = file.result(_STACKS, file.checkpoint)
    config = file.result(_CONFIG, file.checkpoint) if is_model(file.checkpoint) else None
    said = {} if config is None else {s.stack.name: s for s in stated_stacks(config, stacks)}
    alike = (s for s in stacks if s.name in said or (s.is_uniform and len(s.members) >= _FEWEST))
    return [(stack, said.get(stack.name)) for stack in alike]


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


def _ranges(numbers: list[int]) -> list[str]:
    """Numbers with runs of them as one: 0-3, 5."""
    texts: list[str] = []
    start = 0
    for i, number in enumerate(numbers):
        if i + 1 == len(numbers) or numbers[i + 1] != number + 1:
            texts.append(f"{numbers[start]}-{number}" if start < i else str(number))
            start = i + 1
    return texts


def _listed(texts: list[str] | tuple[str, ...]) -> str:
    """The first few of them."""
    more = f" and {len(texts) - 8:,} more" if len(texts) > 8 else ""
    return ", ".join(texts[:8]) + more
