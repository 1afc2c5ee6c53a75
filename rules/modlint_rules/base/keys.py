"""Rules that judge the keys of a state_dict, section by section."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from modlint.checkpoint import Checkpoint, Role, Tensor
from modlint.rule import Examination, Need, OptionsT
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.verdict import Target, Verdict
from modlint_rules.base.folder import BESIDE, shard_of

Sections = dict[str, list[Tensor]]


class KeysRule(FileRule[OptionsT]):
    """A check of the names of weights; shards are judged with their index."""

    of_tensors = True

    def needs(self) -> tuple[Need, ...]:
        """What stands beside the file: an index of shards or none."""
        return (BESIDE,)

    def check(self, file: Examination) -> Iterator[Verdict]:
        """Every verdict, but on a shard that an index covers."""
        index = shard_of(file)
        if index is None:
            yield from super().check(file)
        else:
            target = whole_file(file.checkpoint)
            yield self.not_applicable(target, f"a shard, judged with its index {index}")


def sections(checkpoint: Checkpoint) -> Sections:
    """By section, the tensors that are weights."""
    found: Sections = defaultdict(list)
    for tensor in checkpoint.tensors.values():
        if tensor.role is Role.WEIGHT:
            found[tensor.section].append(tensor)
    return found


def of_section(section: str, checkpoint: Checkpoint) -> Target:
    """A section of a file, or the file where it has one only."""
    return Target("file", section or checkpoint.path.name)
