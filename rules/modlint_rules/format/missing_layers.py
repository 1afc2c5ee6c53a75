"""FMT015: layers that are missing, and files of ranks that are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from modlint.analysis.base import Analysis
from modlint.analysis.beside import Beside, Folder
from modlint.results.layers import LayerStack
from modlint.rule import Examination, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, listed, ranges
from modlint.verdict import Target, Verdict
from modlint_rules.base.folder import BESIDE, folder_of, incomplete, index_of
from modlint_rules.base.stated_layers import StatedStack
from modlint_rules.format import MISSING_LAYERS
from modlint_rules.format.layer_gaps import (
    CONFIG,
    STACKS,
    judged_stacks,
    missing_from,
    stated_config,
)
from modlint_rules.format.partial_layers import partial_layers, told
from modlint_rules.format.ranks import Absent, absent_ranks, stated_ranks

_ABOVE = Beside(above=1)
_LISTED = 8


class MissingLayers(FileRule[Options], reference=MISSING_LAYERS):
    """A model that was saved or copied in part."""

    advice = "save or copy the model whole: what is missing is initialised at random on loading"

    def needs(self) -> tuple[Analysis[Any, Any], ...]:
        """The layers, the configuration and the names beside the file."""
        return (STACKS, CONFIG, BESIDE, _ABOVE)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each stack of layers, and one for files that are absent."""
        checkpoint, target = file.checkpoint, whole_file(file.checkpoint)
        folder = folder_of(file)
        if folder and (index := index_of(checkpoint, folder)):
            yield self.not_applicable(target, f"judged with its index, {index}")
            return
        parts = list(_parts(file, folder)) if folder else []
        if parts:
            yield from self._judge_parts(parts, target)
            return
        reason = incomplete(checkpoint)
        stacks = judged_stacks(file)
        if reason is not None or not stacks:
            yield self._nothing(reason, target)
        else:
            yield from self._judge_layers(file, stacks, target)

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
            f" {listed(absent.missing, _LISTED)}; the model cannot be put together without them",
            help="copy the files of all ranks or shards into one folder",
            values={"present": absent.present, "absent": len(absent.missing)},
            limit={"absent": {"max": 0}},
        )

    def _judge_layers(
        self,
        file: Examination,
        stacks: Sequence[tuple[LayerStack, StatedStack | None]],
        target: Target,
    ) -> Iterator[Verdict]:
        found = [
            self._lacking(stack, missing, said, target)
            for stack, said in stacks
            if (missing := missing_from(stack, said))
        ]
        config = stated_config(file)
        for stack, said in stacks:
            lacking = partial_layers(stack, said, config)
            if lacking:
                found.append(self._partial(stack, lacking, target))
        yield from found
        if not found:
            layers = sum(len(stack.members) for stack, _ in stacks)
            message = f"{count(layers, 'layer')} in {count(len(stacks), 'stack')}, none missing"
            stated = sum(said is not None for _, said in stacks)
            values = {"layers": layers, "stacks": len(stacks), "stated": stated}
            yield self.passed(target, message, values=values)

    def _partial(
        self, stack: LayerStack, lacking: list[tuple[int, list[str]]], target: Target
    ) -> Verdict:
        missing = sum(len(names) for _, names in lacking)
        return self.failed(
            target,
            told(stack, lacking),
            help=self.advice,
            values={"layers": len(lacking), "missing": missing, "stack": stack.name},
            limit={"missing": {"max": 0}},
        )

    def _lacking(
        self, stack: LayerStack, missing: list[int], said: StatedStack | None, target: Target
    ) -> Verdict:
        held = listed(ranges(stack.members), _LISTED)
        states = f"config.json states {said.key} {said.number:,}, and " if said else ""
        return self.failed(
            target,
            f"{states}{stack.name} holds layers {held} and lacks"
            f" {listed(ranges(missing), _LISTED)}",
            help=self.advice,
            values={"layers": len(stack.members), "missing": len(missing), "stack": stack.name},
            limit={"missing": {"max": 0}},
        )


def _parts(file: Examination, folder: Folder) -> Iterator[Absent]:
    """What the names of the file and of its folder tell of further ranks."""
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
