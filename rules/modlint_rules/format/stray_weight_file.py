"""FMT016: a weight file that the index beside it does not name."""

from __future__ import annotations

from collections.abc import Iterator

from modlint.analysis.strays import StrayFiles
from modlint.file_names import is_index
from modlint.results.siblings import StrayFile
from modlint.rule import Examination, Need, Options
from modlint.scopes import FileRule
from modlint.targets import whole_file
from modlint.text import count, file_size
from modlint.verdict import Target, Verdict
from modlint_rules.format import STRAY_WEIGHT_FILE

_STRAYS = StrayFiles()


class StrayWeightFile(FileRule[Options], reference=STRAY_WEIGHT_FILE):
    """What another save left in the folder of a sharded checkpoint."""

    of_tensors = True
    advice = "delete it, or keep it in a folder of its own"

    def needs(self) -> tuple[Need, ...]:
        """The files that no index names."""
        return (_STRAYS,)

    def judge(self, file: Examination) -> Iterator[Verdict]:
        """One finding for each such file."""
        checkpoint = file.checkpoint
        index = checkpoint.path.name
        if checkpoint.format != "shard-index" or not is_index(checkpoint.path):
            yield self.not_applicable(whole_file(checkpoint), "the file is no index of shards")
            return
        for stray in file.result(_STRAYS, checkpoint):
            yield self.failed(
                Target("file", stray.file),
                f"{file_size(stray.nbytes)} that {index} does not name: {_why(stray)}",
                help=self.advice,
                values={"bytes": stray.nbytes, "repeated": stray.repeated},
            )

    def healthy(self, file: Examination) -> Verdict:
        """How many shards the index names."""
        shards = len(file.checkpoint.shards)
        message = f"no weights but its {count(shards, 'shard')} stand in the folder"
        return self.passed(whole_file(file.checkpoint), message, values={"shards": shards})


def _why(stray: StrayFile) -> str:
    if stray.loaded_first:
        return "transformers and diffusers load it instead of the shards"
    if stray.repeated is None:
        return "a shard of another save, which loaders that read every file mix in"
    return f"{count(stray.repeated, 'tensor')} of the index again, which some loaders mix in"
